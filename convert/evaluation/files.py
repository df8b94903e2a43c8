"""Writing without leaving half a file."""

import os
from contextlib import suppress
from pathlib import Path

from edge_retinaface.errors import UNREADABLE, DataError


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the target, making its folder, then rename over it; DataError if the disk refuses."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}", exit_code=UNREADABLE) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
