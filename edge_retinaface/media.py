"""Inputs of a command: files, folders and videos, one picture after the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edge_retinaface.data import U8
from edge_retinaface.errors import UNREADABLE, ImageError
from edge_retinaface.images import as_pixels, read_image

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".webm"})


class Medium(NamedTuple):
    """One file to look at, and the name its results are filed under."""

    path: Path
    name: Path  # relative: the file's name, or its path below the folder that was asked for

    @property
    def is_video(self) -> bool:
        """Whether it holds more than one picture, judged by its name."""
        return self.path.suffix.lower() in VIDEO_SUFFIXES


def find_media(paths: list[Path]) -> Iterator[Medium]:
    """Each file, and for a folder each picture and video below it, sorted. A missing file is left for its reader."""
    for path in paths:
        if not path.is_dir():
            yield Medium(path, Path(path.name))
            continue
        for found in sorted(path.rglob("*")):
            if found.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES and found.is_file():
                yield Medium(found, found.relative_to(path))


def read_medium(medium: Medium) -> Iterator[U8]:
    """Its pictures, uint8 (height, width, 3), BGR. ImageError if there is none."""
    if not medium.is_video:
        yield read_image(medium.path)
        return
    if not medium.path.is_file():
        raise ImageError(f"{medium.path}: wanted a video, found: No such file or directory", exit_code=UNREADABLE)
    capture = cv2.VideoCapture(str(medium.path))
    try:
        number = 0
        while True:
            there, picture = capture.read()
            if not there:
                break
            yield as_pixels(np.asarray(picture))
            number += 1
        if number == 0:
            raise ImageError(f"{medium.path}: wanted a video, found nothing that OpenCV can decode")
    finally:
        capture.release()


def frame_rate(path: Path) -> float:
    """Pictures a second as the video says, else 25."""
    capture = cv2.VideoCapture(str(path))
    try:
        return float(capture.get(cv2.CAP_PROP_FPS)) or 25.0
    finally:
        capture.release()
