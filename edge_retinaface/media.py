"""Inputs of a command: files, folders and videos, one picture after the other."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from edge_retinaface.data import U8
from edge_retinaface.errors import UNREADABLE, ImageError
from edge_retinaface.files import check_file
from edge_retinaface.images import IMAGE_SUFFIXES, as_pixels, read_image

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".webm"})


class Medium(NamedTuple):
    """One file to look at, and the name its results are filed under."""

    path: Path
    name: Path  # relative: the file's name, or its path below the folder that was asked for
    refused: str = ""  # why it is a folder that cannot be looked into

    @property
    def is_video(self) -> bool:
        """Whether it holds more than one picture, judged by its name."""
        return self.path.suffix.lower() in VIDEO_SUFFIXES


def find_media(paths: list[Path]) -> Iterator[Medium]:
    """Each file, and for a folder each picture and video below it, sorted.

    Files that are missing, and folders that cannot be looked into, are left for their reader.
    """
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a folder above is forbidden
            yield from sorted(_below(path))
        else:
            yield Medium(path, Path(path.name))


def _below(folder: Path) -> Iterator[Medium]:
    refused: list[OSError] = []
    for place, _, names in os.walk(folder, onerror=refused.append):
        for path in (Path(place, name) for name in names):
            if path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES:
                yield Medium(path, path.relative_to(folder))
    for error in refused:
        path = Path(error.filename)
        yield Medium(path, path.relative_to(folder), error.strerror or str(error))


def read_medium(medium: Medium) -> Iterator[U8]:
    """Its pictures, uint8 (height, width, 3), BGR. ImageError if there is none."""
    if medium.refused:
        raise ImageError(f"{medium.path}: wanted a folder to look into, found: {medium.refused}", exit_code=UNREADABLE)
    if not medium.is_video:
        yield read_image(medium.path)
        return
    capture = _open_video(medium.path)
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
    """Pictures a second as the video says, else 25. ImageError if it cannot be read."""
    capture = _open_video(path)
    try:
        return float(capture.get(cv2.CAP_PROP_FPS)) or 25.0
    finally:
        capture.release()


def _open_video(path: Path) -> cv2.VideoCapture:
    try:
        check_file(path)
    except OSError as error:
        raise ImageError(f"{path}: wanted a video, found: {error.strerror}", exit_code=UNREADABLE) from error
    return cv2.VideoCapture(str(path))
