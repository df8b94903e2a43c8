"""Pictures that are not live: video files, folders, and arrays in memory for tests and demonstrations."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2

from edge_retinaface.cameras.latest import RETRY_S, LatestCamera
from edge_retinaface.cameras.orientation import Orientation
from edge_retinaface.cameras.source import NS_PER_S, Picture, Source
from edge_retinaface.cameras.video import Retriever
from edge_retinaface.data import U8, ChannelOrder
from edge_retinaface.errors import CameraError, ImageError
from edge_retinaface.files import check_file
from edge_retinaface.images import IMAGE_SUFFIXES, read_image

log = logging.getLogger(__name__)

READ_S = 10.0  # a network file system may be slow; beyond it, it hangs
USUAL_FPS = 25  # of a file that does not say
WHOLE = 0.9  # of the frames that a file's header promises; the header of a variable frame rate is an estimate


class Pace:
    """Waits until a picture is due. No pictures per second: it never waits."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._start_ns = 0

    def wait(self, due_s: float) -> None:
        """Sleep until `due_s` seconds after the first call's moment; returns early when the reader shall stop."""
        now_ns = time.monotonic_ns()
        if not self._start_ns:
            self._start_ns = now_ns - round(due_s * NS_PER_S)
        late_s = (now_ns - self._start_ns) / NS_PER_S - due_s
        if late_s < 0:
            self._stopping.wait(-late_s)


class FileSource:
    """A video file, at its own pace or as fast as the detector takes its frames; once, or again and again."""

    order: ChannelOrder = "BGR"

    def __init__(
        self, path: Path, orientation: Orientation, stopping: threading.Event, *, loop: bool, realtime: bool
    ) -> None:
        self.lossless = not realtime
        self._path = path
        self._retrieve = Retriever(orientation, str(path))
        self._loop = loop
        self._pace = Pace(stopping)
        self._round_s = 0.0  # when this round through the file began
        self._due_s = 0.0
        self._open()

    def read(self, wanted: Callable[[], bool], spare: U8 | None = None) -> Picture | None:
        """See Source."""
        if not self._capture.grab():
            if not self._again():
                return None
            if not self._capture.grab():
                raise CameraError(f"{self._path}: wanted a video, found a file without pictures")
        self._frames += 1
        if not self.lossless:
            self._due_s = self._round_s + self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            self._pace.wait(self._due_s)
        pixels = self._retrieve(self._capture, spare) if wanted() else None
        return Picture(time.monotonic_ns(), pixels)

    def close(self) -> None:
        """See Source."""
        self._capture.release()

    def _open(self) -> None:
        try:
            check_file(self._path)
        except OSError as error:
            raise CameraError(f"{self._path}: wanted a video file, found: {error.strerror}") from error
        self._capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not self._capture.isOpened():
            raise CameraError(f"{self._path}: wanted a video, found {self._path.stat().st_size} bytes that are none")
        self._promised = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)  # below 0: unknown
        self._frames = 0
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._frame_s = 1 / fps if fps > 0 else 1 / USUAL_FPS
        self.deadline_s = READ_S + self._frame_s

    def _again(self) -> bool:
        """Whether there is another round after the end of the file."""
        if self._frames < WHOLE * self._promised:
            damage = f"wanted {self._promised:.0f} frames, found {self._frames}: damaged, or overwritten meanwhile"
            if self._loop:
                raise CameraError(f"{self._path}: {damage}")
            log.warning("%s: %s", self._path, damage)  # once through: what is missing will not come by trying again
        if self._loop:
            self._capture.release()
            self._round_s = self._due_s + self._frame_s
            self._open()
        return self._loop


class PictureSource:
    """Pictures from an iterable, `fps` a second; fps 0: as fast as the detector takes them.

    The iterable may raise CameraError (the camera is gone), or block (it hangs).
    """

    def __init__(
        self,
        pictures: Iterable[U8],
        stopping: threading.Event,
        *,
        fps: float,
        order: ChannelOrder = "BGR",
        orientation: Orientation = Orientation(),  # noqa: B008 - a tuple: nobody can change it
        deadline_s: float = READ_S,
    ) -> None:
        self.order: ChannelOrder = order
        self.lossless = fps == 0
        self.deadline_s = deadline_s + (1 / fps if fps else 0)
        self._pictures = iter(pictures)
        self._orientation = orientation
        self._fps = fps
        self._shown = 0
        self._pace = Pace(stopping)

    def read(self, wanted: Callable[[], bool], spare: U8 | None = None) -> Picture | None:  # noqa: ARG002 - the maker of the pictures may still need it
        """See Source."""
        pixels = next(self._pictures, None)
        if pixels is None:
            return None
        if self._fps:
            self._pace.wait(self._shown / self._fps)
            self._shown += 1
        return Picture(time.monotonic_ns(), self._orientation.apply(pixels) if wanted() else None)

    def close(self) -> None:
        """See Source."""


def folder_pictures(folder: Path, told: set[Path], *, loop: bool) -> Iterator[U8]:
    """The pictures of a folder by name, uint8 (height, width, 3) BGR; CameraError when there is none.

    A file that is none is left out, with a warning the first time; `told` holds those over rounds and connections.
    """
    wanted = f"{folder}: wanted a folder of pictures ({' '.join(sorted(IMAGE_SUFFIXES))})"
    while True:
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
        except OSError as error:
            raise CameraError(f"{wanted}, found: {error.strerror}") from error
        shown = 0
        for path in paths:
            try:
                pixels = read_image(path)
            except ImageError as error:
                if path not in told:
                    told.add(path)
                    log.warning("%s: left out", error)
            else:
                shown += 1
                yield pixels
        if not shown:
            raise CameraError(f"{wanted}, found none")
        if not loop:
            return


class ReplayCamera(LatestCamera):
    """A camera made of arrays, for tests and demonstrations: all of a real one but the hardware.

    `pictures` is called for each connection and gives what the camera shows: to unplug it, raise CameraError;
    to make it hang, block.
    """

    def __init__(
        self,
        name: str,
        pictures: Callable[[], Iterable[U8]],
        *,
        fps: float = 30.0,  # 0: as fast as the detector
        max_fps: float = 1000.0,
        order: ChannelOrder = "BGR",
        deadline_s: float = READ_S,
        ready: threading.Condition | None = None,
        retry_s: tuple[float, float] = RETRY_S,
    ) -> None:
        def open_source(stopping: threading.Event) -> Source:
            return PictureSource(pictures(), stopping, fps=fps, order=order, deadline_s=deadline_s)

        super().__init__(name, open_source, max_fps=max_fps, ready=ready, opening_s=deadline_s, retry_s=retry_s)
