"""V4L2 and USB cameras, RTSP and HTTP streams, through OpenCV."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from edge_retinaface.cameras.orientation import Orientation
from edge_retinaface.cameras.source import NS_PER_MS, NS_PER_S, Picture
from edge_retinaface.cameras.stream_clock import StreamClock
from edge_retinaface.config import hide_passwords
from edge_retinaface.data import U8, ChannelOrder
from edge_retinaface.errors import CameraError

READ_S = 5.0  # a live camera that delivers nothing for longer is gone
STALE_S = 1.0  # a picture that waited longer in buffers is not shown
CATCH_UP_S = 5.0  # a stream that has only such pictures for longer is no camera, or too much for the board
CLOCK_WINDOW = 16  # frames; RTP time stamps are a clock's, those of MJPEG are counted up
LOG_LEVEL_SILENT = 0  # of OpenCV
MJPEG = cv2.VideoWriter.fourcc(*"MJPG")  # over USB 2, raw 1280x720 comes at 10 fps, MJPEG at 30


def quiet_opencv() -> None:
    """Keep OpenCV and FFmpeg from writing to standard error at each attempt: the state of a camera says it better.

    For whole programs only: it holds for all of the process. What the environment says comes first.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        quiet = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # the first: OpenCV 4.11 and older
        quiet(LOG_LEVEL_SILENT)


class DeviceSource:
    """A V4L2 device. Its driver says when each frame was captured."""

    order: ChannelOrder = "BGR"
    deadline_s = READ_S
    lossless = False

    def __init__(self, path: str, size_wh: tuple[int, int], orientation: Orientation) -> None:
        self._path = path
        self._retrieve = Retriever(orientation, path)
        if not Path(path).exists():
            raise CameraError(f"{path}: wanted a video device, found nothing there: is the camera plugged in?")
        if not os.access(path, os.R_OK | os.W_OK):
            raise CameraError(f"{path}: no permission: is the user in the group video?")
        # by-id and by-path names are links; OpenCV wants the device itself
        self._capture = cv2.VideoCapture(os.path.realpath(path), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise CameraError(f"{path}: wanted a camera, found a device that does not capture, or is in use")
        self._capture.set(cv2.CAP_PROP_FOURCC, MJPEG)  # a camera that cannot keeps its own format
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])  # the driver takes the nearest that it has
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])

    def read(self, wanted: Callable[[], bool], spare: U8 | None = None) -> Picture | None:
        """See Source."""
        if not self._capture.grab():
            raise CameraError(f"{self._path}: the device delivers no more pictures: unplugged?")
        now_ns = time.monotonic_ns()
        stamp_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * NS_PER_MS)
        # drivers stamp with CLOCK_MONOTONIC; an old one that does not is seen by a time that cannot be
        captured_ns = stamp_ns if 0 <= now_ns - stamp_ns < NS_PER_S else now_ns
        return Picture(captured_ns, self._retrieve(self._capture, spare) if wanted() else None)

    def close(self) -> None:
        """See Source."""
        self._capture.release()


class StreamSource:
    """An RTSP or HTTP stream. What piled up while it was opened is thrown away."""

    order: ChannelOrder = "BGR"
    deadline_s = READ_S
    lossless = False

    def __init__(self, uri: str, orientation: Orientation, read_s: float = READ_S) -> None:
        self._shown = hide_passwords(uri)
        self._retrieve = Retriever(orientation, self._shown)
        self._clock = StreamClock(CLOCK_WINDOW if uri.startswith("rtsp") else 1)
        self.deadline_s = read_s
        timeout_ms = round(read_s * 1000 / 2)  # FFmpeg's own limit comes first, so that a hung read comes back at all
        parameters = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2 * timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
        # each further decoder thread would hold one more frame back: four of them hide 200 ms at 15 fps
        parameters += [cv2.CAP_PROP_N_THREADS, 1]
        self._capture = cv2.VideoCapture(uri, cv2.CAP_FFMPEG, parameters)
        if not self._capture.isOpened():
            raise CameraError(f"{self._shown}: wanted a video stream, found none: wrong address or password, or off")
        self._fresh_s = time.monotonic()  # when a picture was last worth looking at

    def read(self, wanted: Callable[[], bool], spare: U8 | None = None) -> Picture | None:
        """See Source."""
        with self._clock:
            grabbed = self._capture.grab()
        if not grabbed:
            raise CameraError(f"{self._shown}: the stream ended or froze")
        captured_ns = self._clock.captured_ns(round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * NS_PER_MS))
        if captured_ns is None or self._clock.behind_s(captured_ns) > STALE_S:
            return self._stale()
        self._fresh_s = time.monotonic()
        return Picture(captured_ns, self._retrieve(self._capture, spare) if wanted() else None)

    def close(self) -> None:
        """See Source."""
        self._capture.release()

    def _stale(self) -> Picture:
        """A picture from the backlog, which is not worth looking at."""
        if time.monotonic() - self._fresh_s > CATCH_UP_S:
            raise CameraError(
                f"{self._shown}: its pictures are over {STALE_S:g} s old when decoded: wanted a live stream that "
                "this board can follow: lower the camera's resolution or frame rate"
            )
        return Picture(time.monotonic_ns(), None)


class Retriever:
    """Takes grabbed frames out of a capture: uint8 (height, width, 3) BGR, upright; CameraError for anything else."""

    def __init__(self, orientation: Orientation, shown: str) -> None:
        self._orientation = orientation
        self._shown = shown
        self._unturned: U8 | None = None  # kept for the next frame

    def __call__(self, capture: cv2.VideoCapture, spare: U8 | None) -> U8:
        """The frame, in the memory of `spare` if it fits there."""
        turns = self._orientation != Orientation()
        decoded, pixels = capture.retrieve(self._unturned if turns else spare)
        if not decoded or pixels.ndim != 3 or pixels.shape[2] != 3:  # noqa: PLR2004 - height, width, channels
            raise CameraError(f"{self._shown}: wanted a colour picture, found one that cannot be decoded")
        if not turns:
            return np.asarray(pixels, np.uint8)
        self._unturned = np.asarray(pixels, np.uint8)
        return self._orientation.apply(self._unturned, spare)
