"""Files that `detect` writes: drawn, blurred and cropped pictures and videos, each whole or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2

from edge_retinaface.data import U8, Detections
from edge_retinaface.errors import UNREADABLE, ImageError
from edge_retinaface.faces import blur_faces, crop_faces, draw_faces
from edge_retinaface.images import write_image
from edge_retinaface.media import Medium, frame_rate

KEPT_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})  # others become .png

Write = Callable[[U8, Detections, int], None]


class Sink(NamedTuple):
    """Where the pictures of one medium go."""

    writers: list[Write]

    def write(self, pixels: U8, detections: Detections, index: int) -> None:
        """Take picture number `index` of the medium."""
        for writer in self.writers:
            writer(pixels, detections, index)


class Sinks:
    """The output folders of one run. No two inputs share an output name, and no input is written over."""

    def __init__(self, *, draw: Path | None, crops: Path | None, blur: Path | None) -> None:
        self._draw, self._crops, self._blur = draw, crops, blur
        self._taken: set[Path] = set()

    @contextmanager
    def open(self, medium: Medium) -> Iterator[Sink]:
        """A sink for one input; videos are finished, or thrown away, when it closes."""
        with ExitStack() as stack:
            writers: list[Write] = []
            for folder, paint in ((self._draw, draw_faces), (self._blur, blur_faces)):
                if folder is not None:
                    path = self._name(folder, medium)
                    opened = _open_video(path, frame_rate(medium.path), paint) if medium.is_video else None
                    writers.append(stack.enter_context(opened) if opened else _picture_writer(path, paint))
            if self._crops is not None:
                writers.append(_crop_writer(self._name(self._crops, medium), numbered=medium.is_video))
            yield Sink(writers)

    def _name(self, folder: Path, medium: Medium) -> Path:
        suffix = medium.name.suffix.lower()
        suffix = ".mp4" if medium.is_video else suffix if suffix in KEPT_SUFFIXES else ".png"
        path = wanted = (folder / medium.name).with_suffix(suffix)
        number = 2
        while path in self._taken:
            path = wanted.with_stem(f"{wanted.stem}-{number}")
            number += 1
        self._taken.add(path)
        if path.exists() and path.samefile(medium.path):
            raise ImageError(f"{path}: wanted an output folder apart from the input, found the input itself")
        return path


def _picture_writer(path: Path, paint: Callable[[U8, Detections], U8]) -> Write:
    return lambda pixels, detections, _: write_image(path, paint(pixels, detections))


def _crop_writer(path: Path, *, numbered: bool) -> Write:
    def write(pixels: U8, detections: Detections, index: int) -> None:
        for number, crop in enumerate(crop_faces(pixels, detections), 1):
            frame = f"_frame_{index:06}" if numbered else ""
            suffix = ".png" if numbered else path.suffix
            write_image(path.with_name(f"{path.stem}{frame}_face_{number}{suffix}"), crop)

    return write


@contextmanager
def _open_video(path: Path, rate: float, paint: Callable[[U8, Detections], U8]) -> Iterator[Write]:
    """An MP4 without sound, of the first picture's size; it gets its name when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    writers: list[cv2.VideoWriter] = []
    frames = 0

    def write(pixels: U8, detections: Detections, _: int) -> None:
        nonlocal frames
        frames += 1
        if not writers:
            size = (pixels.shape[1], pixels.shape[0])
            writers.append(cv2.VideoWriter(str(aside), cv2.VideoWriter.fourcc(*"mp4v"), rate, size))
        if not writers[0].isOpened():
            raise ImageError(f"{path}: wanted to write MP4 video, found no room or no encoder", exit_code=UNREADABLE)
        writers[0].write(paint(pixels, detections))

    try:
        yield write
        for writer in writers:
            writer.release()
        _check_video(aside, path, frames)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _check_video(aside: Path, path: Path, wanted: int) -> None:
    """OpenCV's writer says nothing of a disk that is full."""
    capture = cv2.VideoCapture(str(aside), cv2.CAP_FFMPEG)
    found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    capture.release()
    if found < wanted:
        raise ImageError(
            f"{path}: wanted {wanted} frames written, found {found}: is the disk full?", exit_code=UNREADABLE
        )
