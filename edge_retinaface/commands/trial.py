"""The command's side of a trial: wait for what the service says."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

from edge_retinaface.errors import CHECK_FAILED, ModelError
from edge_retinaface.store.notes import Report, Request, is_running, read_note

POLL_S = 0.25
START_S = 20.0  # for the service to notice, and to come back should it break down


def await_verdict(path: Path, request: Request, timeout_s: float, tell: Callable[[str], None]) -> None:
    """Return when the model has passed; ModelError with the reason when it failed or there is no verdict in time."""
    start = seen = monotonic()
    phase = ""
    while monotonic() - start < timeout_s:
        report = read_note(path, Report)
        if report is not None and report.id == request.id and is_running(report):
            seen = monotonic()
            if report.phase != phase:
                phase = report.phase
                tell(f"trial: {phase}")
            if phase == "passed":
                return
            if phase == "failed":
                raise ModelError(f"{request.model[:12]} failed its trial: {report.reason}", exit_code=CHECK_FAILED)
        if monotonic() - seen > START_S:
            raise ModelError("the service does not answer: the current model stays", exit_code=CHECK_FAILED)
        sleep(POLL_S)
    raise ModelError(f"no verdict in {timeout_s:g} s: the current model stays", exit_code=CHECK_FAILED)
