"""The command `quantize`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer

from convert.arguments import (
    DEFAULT_SIZE,
    Calibration,
    FamilyOption,
    Output,
    WeightsPath,
    parse_size,
)
from convert.compress.command import BUDGET_HELP
from convert.evaluation.annotations import load_data
from convert.make.limits import Limits
from convert.make.make import INT8, TuneOption, make
from convert.make.search import VARIANTS
from convert.make.shown import training_pictures
from convert.make.smaller import OriginalOption, check_smaller, compress_whole, read_pair
from convert.network import Target
from convert.report.write import check_report, report_beside
from convert.tflite import Mode
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.errors import UsageError

EDGETPU_SIZE = "320x320"  # its compiler gives up on large activations, at no published size

TargetOption = Annotated[Target, typer.Option(help="What the file is for; edgetpu: a Coral board or stick.")]


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
    compress: Annotated[
        str | None, typer.Option(help=f"Make the network smaller first; needs --pictures. {BUDGET_HELP}")
    ] = None,
    original: OriginalOption = None,
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
    check_smaller(compress, original, calibration, modes)
    annotated = load_data(data) if data else None
    if calibration and compress:
        shown = training_pictures(calibration, keep_back=annotated is None)
        ready, smaller = compress_whole(weights, family, compress, shown)
    else:
        ready, smaller = read_pair(weights, family, original)
    make(ready, name, input_hw, calibration, modes, target, limits, annotated, report, smaller, tune=tune)


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
