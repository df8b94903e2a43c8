"""The command: weights in, model files out. Results go to standard output, all else to standard error."""

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
from convert.calibrate import folder_pictures
from convert.compress.command import compress_command
from convert.doctor.command import doctor_command
from convert.edgetpu.command import edgetpu_command
from convert.evaluation.command import eval_command
from convert.make.command import quantize_command
from convert.make.default import default_command
from convert.network import build_network
from convert.sample_pictures import sample_scenes
from convert.streams import silence
from convert.verify import passes, verify
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.errors import CHECK_FAILED, UsageError
from edge_retinaface.model_file import read_model

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Trained RetinaFace weights in, model files for the device out.",
)

app.command(name="compress")(compress_command)
app.command(name="eval")(eval_command)
app.command(name="edgetpu")(edgetpu_command)
app.command(name="doctor")(doctor_command)
app.command(name="quantize")(quantize_command)
app.command(name="default")(default_command)


@app.command(name="build")
def build_command(
    weights: WeightsPath, output: Output = None, size: Size = DEFAULT_SIZE, family: FamilyOption = None
) -> None:
    """Make the float network as a Keras file: picture - mean in, nine raw outputs out."""
    input_hw = parse_size(size)
    target = output or Path(f"{weights.stem}-{size}.keras")
    if target.suffix != ".keras":
        raise UsageError(f"--output: wanted a name that ends in .keras, found {target.name}")
    check_output(target)
    network = build_network(read_noted(weights, family), input_hw)
    with silence():
        network.save(target)
    typer.echo(target)


@app.command(name="verify")
def verify_command(
    model: Annotated[Path, typer.Argument(parser=as_path, metavar="MODEL", help="A model file.")],
    weights: WeightsPath,
    calibration: Calibration = None,
    family: FamilyOption = None,
) -> None:
    """Compare every output of a model file with the float network of its weights; 1 if one is too far off."""
    file = read_model(model)
    ready = read_noted(weights, family)
    pictures = folder_pictures(calibration) if calibration else sample_scenes(file.card.spec.input_hw, SCENES)
    rows = verify(file, ready, pictures)
    typer.echo(f"{'output':14}{'signal/noise dB':>16}{'largest error':>15}{'rms':>8}")
    for row in rows:
        typer.echo(f"{row.output:14}{row.decibels:16.1f}{row.largest_error:15.3f}{row.signal:8.3f}")
    if not passes(rows):
        raise typer.Exit(CHECK_FAILED)
