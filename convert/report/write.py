"""The two files of a report."""

from pathlib import Path

from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.files import write_whole
from convert.make.limits import Limits
from convert.make.search import FLOAT, Job, Outcome
from convert.report.content import gather, to_json
from convert.report.page import render
from convert.report.shots import draw_shots
from edge_retinaface.commands.paths import check_output
from edge_retinaface.errors import UsageError

ENDING = ".html"


def check_report(path: Path) -> None:
    """UsageError for a name that is no page's, OutputError for a place where neither it nor its JSON can be written."""
    if path.suffix != ENDING:
        raise UsageError(f"--report: wanted a name that ends in {ENDING}, found {path.name}")
    check_output(path)
    check_output(path.with_suffix(".json"))


def report_beside(model: Path) -> Path:
    """Where the report of a model file goes unless it is told."""
    return model.with_suffix(f".report{ENDING}")


def write_report(path: Path, job: Job, outcome: Outcome, limits: Limits) -> None:
    """The page at `path`, and beside it the same as JSON."""
    content = gather(job, outcome, limits)
    threshold = content.detailed.threshold or OPERATING_SCORE
    looks = outcome.looks[FLOAT], outcome.looks[content.detailed.mode]
    shots = draw_shots(outcome.truth, looks[0].predictions, looks[1].predictions, threshold)
    write_whole(path, render(content, shots).encode())
    write_whole(path.with_suffix(".json"), to_json(content))
