"""What several commands take: weights, a size, pictures."""

import re
from pathlib import Path
from typing import Annotated

import typer

from convert.families import FAMILIES
from convert.read_weights import read_weights
from convert.weights import Weights
from edge_retinaface.commands.paths import as_path
from edge_retinaface.errors import ModelError, UsageError
from edge_retinaface.spec import check_input_hw

DEFAULT_SIZE = "480x640"
NAMES = tuple(one.name for one in FAMILIES)
SCENES = 64  # calibration pictures where the user has none

WeightsPath = Annotated[
    Path, typer.Argument(parser=as_path, metavar="WEIGHTS", help="An ONNX, Keras or PyTorch file, or compressed.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", parser=as_path, help="The file to write.")]
Size = Annotated[str, typer.Option(help="Input height x width in pixels.")]
Calibration = Annotated[
    Path | None,
    typer.Option(
        "--pictures", parser=as_path, help="A folder of pictures like the device will see; without it, built-in scenes."
    ),
]
FamilyOption = Annotated[
    str | None,
    typer.Option(help=f"How the weights were trained: {', '.join(NAMES)}. Without it, measured."),
]


def read_noted(path: Path, family: str | None) -> Weights:
    """The weights in a file; what was measured to tell their family goes to standard error."""
    if family not in (None, *NAMES):
        raise UsageError(f"--family: wanted {', '.join(NAMES)}, found {family}")
    weights, note = read_weights(path, family)
    if note:
        typer.echo(f"note: {note}", err=True)
    return weights


def parse_size(size: str) -> tuple[int, int]:
    """Height and width, pixels; UsageError if no network has that input."""
    match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", size)
    if not match:
        raise UsageError(f"--size: wanted HEIGHTxWIDTH such as {DEFAULT_SIZE}, found {size}")
    input_hw = int(match[1]), int(match[2])
    try:
        check_input_hw(input_hw)
    except ModelError as error:
        raise UsageError(f"--size: {error}") from error
    return input_hw
