"""The command `convert doctor`."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from convert.default_weights import REQUIREMENT, fetch_weights
from convert.doctor.examine import Doctor
from convert.doctor.report import as_dictionary, print_diagnosis
from convert.families import PYTORCH
from convert.read_weights import parse_weights, read_weights
from convert.weights import Weights
from edge_retinaface.commands.paths import as_path
from edge_retinaface.errors import CHECK_FAILED, ModelError

WIDTH = 140  # columns, where the output is no terminal


def doctor_command(
    model: Annotated[
        Path, typer.Argument(parser=as_path, metavar="MODEL", help="A .tflite file of a RetinaFace, ours or not.")
    ],
    reference: Annotated[
        Path | None,
        typer.Option(
            parser=as_path, metavar="WEIGHTS", help=f"The weights it was made from; without it, those of {REQUIREMENT}."
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(parser=as_path, help="A folder of pictures with faces to show it; without it, built-in scenes."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is wrong with a converted model, by comparing it with its weights in float.

    Exit code 1 if something is.
    """
    diagnosis = Doctor(_weights(reference), pictures).examine(model)
    if json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(as_dictionary(diagnosis))) + b"\n")
    else:
        print_diagnosis(Console(width=None if sys.stdout.isatty() else WIDTH), diagnosis)
    if diagnosis.findings:
        raise typer.Exit(CHECK_FAILED)


def _weights(reference: Path | None) -> Weights:
    if reference:
        weights, note = read_weights(reference)
        if note:
            typer.echo(f"note: {note}", err=True)
        return weights
    try:
        return parse_weights(fetch_weights(), REQUIREMENT, PYTORCH.name)[0]
    except ModelError as error:
        raise ModelError(f"{error}; name the weights that the model was made from with --reference") from error
