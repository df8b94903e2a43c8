"""Raspberry Pi CSI cameras through Picamera2: the ISP scales, the CPU copies one small picture."""

import importlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np

from edge_retinaface.cameras.orientation import Orientation
from edge_retinaface.cameras.source import Picture
from edge_retinaface.data import U8, ChannelOrder
from edge_retinaface.errors import CameraError

FRAME_S = 2.0  # the slowest exposure in the dark is below; a sensor that is silent for longer is unplugged
DEADLINE_S = 3 * FRAME_S  # for libcamera itself, which can hang when a sensor goes away
BUFFERS = 4  # one exposed, one in the ISP, one complete, one in our hands
USUAL_FPS = 30.0  # of Picamera2's video configuration


class Hardware(NamedTuple):
    """The two packages that know the camera; the double has the same shape."""

    picamera2: Any
    libcamera: Any


def import_hardware() -> Hardware:
    """Picamera2 and libcamera as apt installs them; CameraError says how."""
    try:
        return Hardware(importlib.import_module("picamera2"), importlib.import_module("libcamera"))
    except (ImportError, ValueError) as error:  # ValueError: built for another numpy
        raise CameraError(
            f"picamera: wanted the package picamera2, found: {error}; install it with `apt install python3-picamera2` "
            "and use a virtual environment with --system-site-packages"
        ) from error


class PicameraSource:
    """One CSI camera. `size_wh` chooses the sensor mode and so the field of view; frames come at `fit_hw` at most."""

    order: ChannelOrder = "BGR"
    deadline_s = DEADLINE_S
    lossless = False

    def __init__(
        self,
        number: int,
        size_wh: tuple[int, int],
        fit_hw: tuple[int, int],
        orientation: Orientation,
        max_fps: float,
        hardware: Hardware,
    ) -> None:
        self._name = f"picamera:{number}"
        self._picamera2, libcamera = hardware
        quarter = orientation.swaps_sides
        horizontal, vertical = (False, False) if quarter else orientation.mirrors
        self._orientation = orientation if quarter else Orientation()  # the rest is done by the sensor, for nothing
        try:
            self._camera = self._picamera2.Picamera2(number)
        except (RuntimeError, IndexError) as error:  # IndexError: up to 0.3.36
            raise CameraError(f"{self._name}: wanted a camera, found: {error}; cable out? in use elsewhere?") from error
        try:
            # Pi 0 to 4 (VC4) can scale to YUV only; a Pi 5 (PISP) gives pixels that need no conversion.
            # Names are little-endian: RGB888 is B G R in memory, OpenCV's order
            self._format = "YUV420" if self._camera.platform.name == "VC4" else "RGB888"
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": size_wh, "format": "YUV420"},  # the smallest: nobody looks at it
                    lores={"size": fitted_wh(size_wh, fit_hw[::-1] if quarter else fit_hw), "format": self._format},
                    raw=None,
                    transform=libcamera.Transform(hflip=horizontal, vflip=vertical),
                    colour_space=libcamera.ColorSpace.Smpte170m(),  # what OpenCV's conversion takes YUV to be
                    buffer_count=BUFFERS,
                    controls={"FrameRate": max_fps} if max_fps > USUAL_FPS else {},
                    display=None,
                    encode=None,
                )
            )
            self._stream = self._camera.camera_configuration()["lores"]  # what it became: size, format, stride
            self._camera.start()
        except (RuntimeError, ValueError) as error:
            self.close()
            raise CameraError(f"{self._name}: does not start with {size_wh[0]}x{size_wh[1]}: {error}") from error

    def read(self, wanted: Callable[[], bool], spare: U8 | None = None) -> Picture | None:  # noqa: ARG002 - its frames are small
        """See Source."""
        try:
            request = self._camera.capture_request(wait=FRAME_S)
        except TimeoutError as error:
            raise CameraError(f"{self._name}: no picture for {FRAME_S:g} s: unplugged?") from error
        try:
            captured_ns = to_monotonic_ns(
                request.get_metadata()["SensorTimestamp"],
                time.monotonic_ns(),
                time.clock_gettime_ns(time.CLOCK_BOOTTIME),
            )
            return Picture(captured_ns, self._pixels(request) if wanted() else None)
        finally:
            request.release()  # at once: the camera has BUFFERS of them and stops without

    def close(self) -> None:
        """See Source."""
        self._camera.cancel_all_and_flush()  # a job that still waits for a frame would make close() wait with it
        try:
            self._camera.close()
        except RuntimeError as error:
            raise CameraError(f"{self._name}: does not close: {error}") from error

    def _pixels(self, request: object) -> U8:
        """A copy, uint8 (height, width, 3) BGR, upright."""
        width = self._stream["size"][0]
        with self._picamera2.MappedArray(request, "lores", write=False) as mapped:
            if self._format == "YUV420":
                # the rows keep the padding of the stride, so it is cut off after the conversion
                pixels = cv2.cvtColor(mapped.array, cv2.COLOR_YUV2BGR_I420)[:, :width]
            else:
                pixels = mapped.array.copy()
        return self._orientation.apply(np.asarray(pixels, np.uint8))


def fitted_wh(size_wh: tuple[int, int], fit_hw: tuple[int, int]) -> tuple[int, int]:
    """The largest even size with the aspect of `size_wh` that fits into the model's input and is not enlarged."""
    (width, height), (fit_height, fit_width) = size_wh, fit_hw
    fitted_width = min(width, fit_width, width * fit_height // height)
    fitted_height = min(height, fit_height, height * fit_width // width)
    return max(2, fitted_width // 2 * 2), max(2, fitted_height // 2 * 2)


def to_monotonic_ns(boottime_ns: int, now_ns: int, now_boottime_ns: int) -> int:
    """CLOCK_BOOTTIME, which libcamera stamps with, as CLOCK_MONOTONIC, which stands still while the machine sleeps.

    Never later than now.
    """
    return min(boottime_ns - (now_boottime_ns - now_ns), now_ns)
