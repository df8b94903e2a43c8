"""The command `eval`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from convert.evaluation.annotations import load_data
from convert.evaluation.comparison import compare
from convert.evaluation.dataset import Dataset
from convert.evaluation.evaluation import Evaluation, evaluate
from convert.evaluation.files import write_whole
from convert.evaluation.plot import check_plot_name, plot_curves
from convert.evaluation.prediction import MAX_IOU, MIN_SCORE, Predictions, Subject, open_model, predict
from convert.evaluation.report import Report, to_json, to_text
from convert.progress import watch
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.data import MOST_THREADS, Detections

REPORT = "evaluation.json"
PIPED_WIDTH = 140  # columns where there is no terminal to ask

Model = Annotated[Path, typer.Argument(parser=as_path, help="Model file to evaluate.", show_default=False)]
Data = Annotated[
    Path,
    typer.Argument(
        parser=as_path,
        help="Folder with WIDER FACE (ground_truth/*.mat), annotations.json or PASCAL VOC files; or a JSON file.",
        show_default=False,
    ),
]
Reference = Annotated[
    Path | None, typer.Option(parser=as_path, help="Second model file, to compare with face by face.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        parser=as_path,
        help="Folder for evaluation.json, curves.svg and the detections; an interrupted run goes on from it.",
    ),
]
Plot = Annotated[
    Path | None, typer.Option(parser=as_path, help="Also draw the curves into this file: .png, .svg or .pdf.")
]
MinScore = Annotated[float, typer.Option(min=0, max=1, help="Detections below it are not looked at.")]
MaxIou = Annotated[float, typer.Option(min=0, max=1, help="Of the non-maximum suppression.")]
Threads = Annotated[int, typer.Option(min=1, max=MOST_THREADS, help="Of the interpreter.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def eval_command(
    model: Model,
    data: Data,
    reference: Reference = None,
    output: Output = None,
    plot: Plot = None,
    min_score: MinScore = MIN_SCORE,
    max_iou: MaxIou = MAX_IOU,
    threads: Threads = 1,
    *,
    json: Json = False,
) -> None:
    """Measure a model file on annotated pictures: average precision, recall by face size, landmark error."""
    if plot:
        check_plot_name(plot)
        check_output(plot)
    if output:
        check_output(output / REPORT)
    pictures = load_data(data)
    subjects = [
        open_model(path, min_score=min_score, max_iou=max_iou, threads=threads) for path in (reference, model) if path
    ]
    if len(subjects) > 1 and subjects[0].name == subjects[1].name:
        subjects = [
            replace(subject, name=str(path)) for subject, path in zip(subjects, (reference, model), strict=True)
        ]
    report = _report(pictures, subjects, [predict_all(subject, pictures, output) for subject in subjects])
    content = to_json(report)
    if output:
        write_whole(output / REPORT, content)
    for path in filter(None, (plot, output and output / "curves.svg")):
        plot_curves(path, report)
    if json:
        sys.stdout.buffer.write(content)
    else:
        # names of files and models may hold what rich takes for markup
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        Console(markup=False, highlight=False, width=width).print(to_text(report))


def _report(data: Dataset, subjects: list[Subject], predictions: list[Predictions]) -> Report:
    evaluations: list[Evaluation] = [
        evaluate(subject, data, of_subject) for subject, of_subject in zip(subjects, predictions, strict=True)
    ]
    if len(evaluations) == 1:
        return Report(evaluations[0])
    reference, candidate = subjects
    scores = reference.operating_score, candidate.operating_score
    comparison = compare(reference, candidate, data, (predictions[0], predictions[1]), *scores)
    return Report(evaluations[1], evaluations[0], comparison)


def predict_all(subject: Subject, data: Dataset, output: Path | None) -> Predictions:
    """What `predict` gives, with a progress bar on a terminal, and a word on what is kept when it is interrupted."""
    total = len(data.pictures)
    found = list[Detections]()
    try:
        # extended one by one: what came before an interruption stays
        found.extend(watch(predict(subject, data.pictures, output and output / "detections"), subject.name, total))
    except KeyboardInterrupt:
        kept = f"kept in {output}: the same command goes on from there" if output else "not kept, for want of --output"
        told = f"{subject.name}: interrupted after {len(found)} of {total} pictures; {kept}"
        typer.echo(told, err=True)
        raise
    return tuple(found)


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)
app.command(name="eval")(eval_command)
