"""What a bench run writes down, and another run can be compared with."""

from typing import Any

import msgspec

from edge_retinaface.errors import DataError

SCHEMA = 1
MS_PER_NS = 1e-6


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and under which conditions."""

    processor: str
    cores: int  # that this process may use
    system: str
    versions: dict[str, str]  # of the packages that do the work
    warnings: tuple[str, ...]  # why the figures may not be what the machine can do
    temperature_c: tuple[float, ...] = ()  # before and after; empty where the board does not tell


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Durations of one stage, milliseconds."""

    p50: float
    p95: float
    p99: float


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One model with one number of threads."""

    model: str
    threads: int
    input_hw: tuple[int, int]  # pixels
    frame_hw: tuple[int, int]
    frames: int
    faces: float  # a frame, on average
    stages: dict[str, Times]  # in the order of the corridor; "end to end" is all of them together
    accounted: float  # part of "end to end" that the stages add up to, 0..1
    over_invoke: float  # median of end to end over invoke of the same frame
    fps: float  # frames a second, one after the other
    blocks: tuple[float, ...]  # medians of detection over the yardstick, a block of rounds each
    partitions: int  # parts of the network that a delegate runs
    fallback: dict[str, int]  # operators that the interpreter runs itself
    delegate: str = ""  # that was asked for
    edgetpu: int = 0  # parts that run on the Edge TPU
    start_ms: tuple[float, ...]  # exec of a process to its first detection
    memory_mib: float  # resident, of that process
    service_fps: float = 0.0  # messages a second of the whole service; 0: not measured, the source is no video
    service_mib: float = 0.0  # resident, of the service


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run of the command."""

    schema: int = SCHEMA
    version: str
    date: str  # ISO 8601, UTC
    command: str
    machine: Machine
    runs: tuple[Run, ...]


def to_json(bench: Bench) -> bytes:
    """The run as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(bench))


def from_json(path: str, content: bytes) -> Bench:
    """A run out of a file's content; DataError if it is not one."""
    try:
        schema = msgspec.json.decode(content, type=dict[str, Any]).get("schema")
        if schema != SCHEMA:
            raise DataError(f"{path}: wanted a bench run of schema {SCHEMA}, found {schema!r}")
        return msgspec.json.decode(content, type=Bench)
    except msgspec.MsgspecError as error:
        raise DataError(f"{path}: wanted a bench run, found: {error}") from error
