"""From weights to the file that is written, through the search: what both commands do in the end."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from convert.evaluation.dataset import Dataset
from convert.make.limits import Limits
from convert.make.search import Job, search
from convert.make.ship import shipped, unjudged
from convert.make.shown import choose_pictures
from convert.make.table import lines
from convert.network import Target
from convert.quantize import make_spec, quantize
from convert.report.write import report_beside, write_report
from convert.tflite import Mode
from convert.tune import TUNING
from convert.weights import Weights
from edge_retinaface.model_file import write_model

TuneOption = Annotated[
    bool,
    typer.Option("--tune/--no-tune", help="Train int8 and mixed to say what float32 says: minutes more."),
]
INT8: Mode = "int8"
NO_LIMITS = Limits()


def make(
    weights: Weights,
    name: Callable[[str], Path],
    input_hw: tuple[int, int],
    calibration: Path | None,
    modes: Sequence[Mode],
    target: Target = "cpu",
    limits: Limits = NO_LIMITS,
    data: Dataset | None = None,
    report: Path | None = None,
    smaller: Weights | None = None,
    *,
    tune: bool,
) -> None:
    """Make, measure and write a model file, and a report where one is wanted; its path goes to stdout."""
    spec = make_spec(weights, input_hw)
    shown = choose_pictures(calibration, spec, keep_back=data is None)
    settled = partial(quantize, tuning=TUNING if tune else None, original=weights if smaller else None)
    job = Job(weights, spec, target, shown, data, settled, smaller)
    with TemporaryDirectory() as folder:
        outcome = search(job, modes, limits, Path(folder))
        if limits.given:
            typer.echo("\n".join(lines(outcome)), err=True)
        elif note := unjudged(outcome):
            typer.echo(f"note: {note}", err=True)
        if report:  # also of what is not shipped: it shows why
            write_report(report, job, outcome, limits)
        content, card = shipped(outcome, limits)
        path = name(card.quantization.mode)
        write_model(path, content, card)
        if limits.given and not report:
            write_report(report_beside(path), job, outcome, limits)
    typer.echo(path)
