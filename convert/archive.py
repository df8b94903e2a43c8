"""Zip archives from strangers."""

import io
import struct
import zipfile
import zlib

from edge_retinaface.errors import ModelError

MOST_BYTES = 1 << 28  # unpacked; the largest honest file of this network has a hundredth of it
# what zipfile raises for archives that are cut, overwritten, encrypted or of a later version
BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    struct.error,
)


def unzip(content: bytes, what: str) -> dict[str, bytes]:
    """Every member by its name; ModelError for an archive that is damaged or unpacks to far too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > MOST_BYTES:
                raise ModelError(f"{what}: wanted an archive of at most {MOST_BYTES} bytes unpacked, found {size}")
            return {member.filename: archive.read(member) for member in archive.infolist()}
    except BROKEN as error:
        raise ModelError(f"{what}: wanted a zip archive, found a damaged one: {error}") from error
