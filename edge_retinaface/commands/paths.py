"""Files and folders on the command line, taken as they are: what is there is for their reader to say, in one line."""

from pathlib import Path

import typer


def as_path(text: str) -> Path:
    """The path, whether or not it may be read; an empty name is none, though Path would take it for this folder."""
    if not text:
        raise typer.BadParameter("wanted a file or folder, found an empty name")
    return Path(text)
