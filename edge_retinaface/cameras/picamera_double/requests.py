"""Frames in the Picamera2 double's buffers, with the real classes' rules about who holds them and for how long."""

import time
from typing import Any, Protocol, Self

import numpy as np

from edge_retinaface.cameras.picamera_double.formats import view_picture
from edge_retinaface.data import U8

Buffers = dict[str, U8]  # one flat array a stream


class Owner(Protocol):
    """The camera that a request comes from."""

    camera_config: dict[str, Any]
    frame_ns: int

    def recycle(self, buffers: Buffers) -> None:
        """Take buffers back."""


class CompletedRequest:
    """picamera2.CompletedRequest: a frame in one of the camera's buffers."""

    def __init__(self, request: Buffers, picam2: Owner) -> None:
        self.request: Buffers | None = request
        self.picam2 = picam2
        self.config: dict[str, Any] = picam2.camera_config.copy()
        self.ref_count = 1
        # of the first row: reading the sensor took a frame period
        self._sensor_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - picam2.frame_ns

    def acquire(self) -> None:
        """One more user."""
        if self.ref_count == 0:
            raise RuntimeError("CompletedRequest: acquiring lock with ref_count 0")
        self.ref_count += 1

    def release(self) -> None:
        """One user less; after the last the camera has its buffer back, and the request is empty."""
        self.ref_count -= 1
        if self.ref_count < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        if self.ref_count == 0 and self.request is not None:
            self.picam2.recycle(self.request)
            self.request = None
            self.config = {}

    def get_metadata(self) -> dict[str, Any]:
        """What the camera says of this frame: nanoseconds of CLOCK_BOOTTIME, microseconds of exposure."""
        if self.request is None:
            raise AssertionError("the request was released")
        return {"SensorTimestamp": self._sensor_ns, "ExposureTime": self.picam2.frame_ns // 2000}

    def make_array(self, name: str) -> U8:
        """A copy of a stream's picture."""
        if self.config.get(name) is None:
            raise RuntimeError(f"Stream {name!r} is not defined")
        with MappedArray(self, name) as mapped:
            return np.array(mapped.array)


class MappedArray:
    """picamera2.MappedArray: the memory of the camera itself, for use inside the `with` block."""

    array: U8

    def __init__(self, request: CompletedRequest, stream: str, reshape: bool = True, write: bool = True) -> None:  # noqa: FBT001, FBT002 - the real signature
        del write  # only tells the real one which caches to flush
        if request.request is None:
            raise AssertionError("the request was released")
        self._buffer = request.request[stream]
        self._config = request.config[stream] if reshape else None

    def __enter__(self) -> Self:
        self.array = self._buffer if self._config is None else view_picture(self._buffer, self._config)
        return self

    def __exit__(self, exc_type: object, exc_value: object, exc_traceback: object) -> None:
        del self.array
