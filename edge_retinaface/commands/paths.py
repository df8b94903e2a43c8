"""Files and folders on the command line, taken as they are: what is there is for their reader to say, in one line."""

from pathlib import Path

import typer

from edge_retinaface.errors import OutputError
from edge_retinaface.files import check_writable


def as_path(text: str) -> Path:
    """The path, whether or not it may be read; an empty name is none, though Path would take it for this folder."""
    if not text:
        raise typer.BadParameter("wanted a file or folder, found an empty name")
    return Path(text)


def check_output(path: Path) -> None:
    """OutputError unless a file can be written there: before the work whose result would be lost."""
    try:
        check_writable(path)
    except OSError as error:
        raise OutputError(f"{path}: wanted a file to write, found: {error.strerror}") from error
