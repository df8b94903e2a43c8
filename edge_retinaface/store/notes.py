"""What the command that installs a model and the service that tries it tell each other: one file each way."""

import os
import time
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from edge_retinaface.store.disk import ASIDE, Step, no_step, remove, write_whole

REQUEST = "trial.json"  # in the store, written by root
REPORT = Path("/run/edge-retinaface-model/trial.json")  # in memory, written by the service
SCHEMA = 1

Phase = Literal[
    "idle",  # no model is on trial
    "loading",
    "shadow",  # it runs beside the current one; nobody sees what it finds
    "health",  # it runs in place of the current one, which stands by
    "passed",  # it goes on running, until the store names another
    "failed",  # the current one runs
]
RUNNING: tuple[Phase, ...] = ("loading", "shadow", "health")


def uptime_s() -> float:
    """Seconds since this computer started. Its boot id would be surer, but a sandbox in a container sees another."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Gates(msgspec.Struct, frozen=True, kw_only=True):
    """What a model on trial has to stand."""

    frames: int = 60  # in each phase at least
    health_s: float = 60.0  # at least
    min_agreement: float = 0.8  # of sure faces with the current model, 0..1
    max_slowdown: float = 1.5  # its median time against the current model's


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Please try this model."""

    schema: int = SCHEMA
    id: str  # of this trial, never used again
    model: str  # digest
    gates: Gates = Gates()
    pid: int = msgspec.field(default_factory=os.getpid)  # of the command that waits for the verdict
    asked_s: float = msgspec.field(default_factory=uptime_s)  # seconds after this computer's start


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How far the trial has come; there as long as the service runs."""

    schema: int = SCHEMA
    pid: int  # of the service
    phase: Phase = "idle"
    id: str = ""  # of the request
    reason: str = ""  # of "failed"
    frames: int = 0  # of this phase
    faces: int = 0  # sure ones in them
    agreement: float = 1.0  # 0..1
    slowdown: float = 0.0  # median time against the current model's; 0 before there is one


S = TypeVar("S", Request, Report)


def read_note(path: Path, kind: type[S]) -> S | None:
    """What stands in the file; None if there is no such file or it is not to be understood."""
    try:
        note = msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None
    return note if note.schema == SCHEMA else None


def write_request(folder: Path, request: Request, step: Step = no_step) -> None:
    """Put the request into the store."""
    write_whole(folder / REQUEST, msgspec.json.encode(request), step)


def is_open(request: Request) -> bool:
    """Whether somebody waits for the answer: the command was not killed, nor the power cut."""
    return request.asked_s <= uptime_s() and _is_alive(request.pid)


def withdraw_request(folder: Path, step: Step = no_step) -> None:
    """Take it out again; a trial that runs is given up."""
    remove(folder / REQUEST, step)


def write_report(path: Path, report: Report) -> None:
    """Replace the report. It need not outlast a power cut: nothing is synced. OSError if it cannot be written."""
    aside = path.with_name(ASIDE + path.name)
    aside.write_bytes(msgspec.json.encode(report))
    aside.replace(path)


def is_running(report: Report | None) -> bool:
    """Whether the service that wrote it still runs."""
    return report is not None and _is_alive(report.pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True
