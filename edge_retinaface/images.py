"""Pictures from files and arrays, checked at the border: what comes out is uint8 (height, width, 3), BGR."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import U8
from edge_retinaface.errors import UNREADABLE, ImageError
from edge_retinaface.files import read_file

JPEG_START, JPEG_END, JPEG_SCAN = b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xda"
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def read_image(path: str | os.PathLike[str]) -> U8:
    """The picture in a file, upright as its EXIF data says. ImageError if it is missing, cut short or no picture."""
    path = Path(path)
    try:
        content = read_file(path)
    except OSError as error:
        raise ImageError(f"{path}: wanted a picture, found: {error.strerror}", exit_code=UNREADABLE) from error
    if not content:
        raise ImageError(f"{path}: wanted a picture, found an empty file")
    if _is_cut_short(content):
        raise ImageError(f"{path}: wanted a whole picture, found one that is cut short")
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:  # OpenCV's own limit: 2**30 pixels
        raise ImageError(f"{path}: wanted a picture, found one too large to decode") from error
    if pixels is None:
        raise ImageError(f"{path}: wanted a picture, found {len(content)} bytes that OpenCV cannot decode")
    return as_pixels(pixels)


def as_pixels(image: NDArray[Any]) -> U8:
    """An array as uint8 (height, width, 3): grey is tripled, alpha dropped, 16 bits cut to 8. Else ImageError."""
    wanted = "wanted an array (height, width), (height, width, 1), (… 3) or (… 4) of uint8 or uint16"
    if not isinstance(image, np.ndarray):
        raise ImageError(f"{wanted}, found {type(image).__name__}")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype != np.uint8:
        raise ImageError(f"{wanted}, found {image.dtype}")
    if image.ndim == 2:  # noqa: PLR2004 - height and width
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:  # noqa: PLR2004 - height, width, channels
        raise ImageError(f"{wanted}, found shape {image.shape}")
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[..., :3])


def write_image(path: Path, pixels: U8) -> None:
    """Write a picture in the format of the file's name: beside the target first, then renamed over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        encoded, content = cv2.imencode(path.suffix, pixels)
    except cv2.error as error:
        raise ImageError(f"{path}: wanted a name that ends like .jpg or .png, found {path.suffix!r}") from error
    if not encoded:
        raise ImageError(f"{path}: the picture cannot be encoded as {path.suffix}")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(content.tobytes())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _is_cut_short(content: bytes) -> bool:
    if content.startswith(JPEG_START):  # an embedded thumbnail has an end of its own, so look behind the last scan
        return content.rfind(JPEG_END) < content.rfind(JPEG_SCAN)
    if content.startswith(PNG_START):
        return PNG_END not in content
    return False
