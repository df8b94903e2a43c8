"""The class Picamera2 of the double: signatures, defaults and refusals of the real one."""

# ruff: noqa: B006, B008, FBT001, FBT002 - the signatures are the real ones

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar, Self

from edge_retinaface.cameras.picamera_double.config import Platform, Transform, align_stream, checked, stream_config
from edge_retinaface.cameras.picamera_double.pipeline import Pipeline, Sensor
from edge_retinaface.cameras.picamera_double.requests import CompletedRequest
from edge_retinaface.cameras.source import NS_PER_S
from edge_retinaface.data import U8


class Picamera2:
    """As much of picamera2.Picamera2 as a source of pictures calls."""

    platform: ClassVar[Platform] = Platform.VC4
    sensor: ClassVar[Sensor]

    def __init__(
        self, camera_num: int = 0, verbose_console: object = None, tuning: object = None, allocator: object = None
    ) -> None:
        del verbose_console, tuning, allocator
        if camera_num >= len(self.global_camera_info()):
            raise RuntimeError(f"No camera number {camera_num} found")
        if camera_num in self.sensor.opened:  # one instance a camera
            raise RuntimeError("Camera __init__ sequence did not complete.")
        self.sensor.opened.add(camera_num)
        self.camera_config: dict[str, Any] = {}
        self._number = camera_num
        self._fps = self.sensor.fps
        self._pipeline: Pipeline | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: object, exc_val: object, exc_traceback: object) -> None:
        self.close()

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        """The cameras whose cables are in."""
        return [{"Model": "double", "Num": 0, "Id": "/base/double", "Rotation": 0}] if cls.sensor.plugged else []

    @property
    def camera_properties(self) -> dict[str, Any]:
        """What the sensor is."""
        return {"Model": "double", "Rotation": 0, "ColorFilterArrangement": 0}

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        """Least, most, default."""
        return {"FrameDurationLimits": (100, 1_000_000, 33_333)}

    def create_video_configuration(
        self,
        main: dict[str, Any] = {},
        lores: dict[str, Any] | None = None,
        raw: dict[str, Any] | None = {},
        transform: Transform = Transform(),
        colour_space: object = None,
        buffer_count: int = 6,
        controls: dict[str, Any] = {},
        display: str | None = "main",
        encode: str | None = "main",
        queue: bool = True,
        sensor: dict[str, Any] = {},
        use_case: str = "video",
    ) -> dict[str, Any]:
        """A configuration for `configure`."""
        main = stream_config({"format": "XBGR8888", "size": (1280, 720), "preserve_ar": True}, main)
        if lores is not None:
            lores = stream_config({"format": "YUV420", "size": main["size"], "preserve_ar": False}, lores)
        return {
            "use_case": use_case,
            "transform": transform,
            "colour_space": colour_space,
            "buffer_count": buffer_count,
            "queue": queue,
            "main": main,
            "lores": lores,
            "raw": raw,
            "controls": {"FrameDurationLimits": (33333, 33333)} | controls,
            "sensor": sensor,
            "display": display,
            "encode": encode,
        }

    @classmethod
    def align_configuration(cls, config: dict[str, Any], optimal: bool = True) -> None:
        """Round the widths down to what the hardware likes."""
        for name in ("main", "lores"):
            if config.get(name) is not None:
                align_stream(config[name], cls.platform, optimal=optimal)

    def configure(self, camera_config: dict[str, Any] | None = None) -> None:
        """Check the configuration and fill in what the hardware adds: strides and sizes in bytes."""
        if self._pipeline is not None:
            raise RuntimeError("Camera must be stopped before configuring")
        self.camera_config = checked(camera_config or self.create_video_configuration(), self.platform)
        self.set_controls(self.camera_config["controls"])

    def camera_configuration(self) -> dict[str, Any]:
        """What the configuration became."""
        return self.camera_config

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Only the frame rate has an effect."""
        for name, value in controls.items():
            match name:
                case "FrameRate":
                    self._fps = min(value, self.sensor.fps)
                case "FrameDurationLimits":
                    self._fps = min(1e6 / value[0], self.sensor.fps)
                case _:
                    raise RuntimeError(f"Control {name} is not advertised by libcamera")

    def start(self, config: dict[str, Any] | None = None, show_preview: object = False) -> None:
        """Let frames come."""
        del show_preview
        if config is not None or not self.camera_config:
            self.configure(config)
        self._pipeline = Pipeline(self.sensor, self.camera_config, round(NS_PER_S / self._fps))

    def stop(self) -> None:
        """No more frames."""
        if self._pipeline is not None:
            self._pipeline.stop()
            self._pipeline = None

    def close(self) -> None:
        """Stop, and let others have the camera."""
        self.stop()
        self.sensor.opened.discard(self._number)

    def cancel_all_and_flush(self) -> None:
        """Forget what waits for a frame."""
        if self._pipeline is not None:
            self._pipeline.cancel()

    def capture_request(
        self, wait: float | None = None, signal_function: object = None, flush: object = None
    ) -> CompletedRequest:
        """The next frame; TimeoutError after `wait` seconds."""
        del signal_function, flush
        if self._pipeline is None:
            raise RuntimeError("the camera was not started: the real one waits for ever")
        return self._pipeline.next_request(wait)

    @contextlib.contextmanager
    def captured_request(self, wait: float | None = None, flush: object = None) -> Iterator[CompletedRequest]:
        """The next frame, released afterwards."""
        request = self.capture_request(wait=wait, flush=flush)
        try:
            yield request
        finally:
            request.release()

    def capture_array(self, name: str = "main", wait: float | None = None, signal_function: object = None) -> U8:
        """A copy of the next frame's picture."""
        del signal_function
        with self.captured_request(wait=wait) as request:
            return request.make_array(name)

    def capture_metadata(self, wait: float | None = None, signal_function: object = None) -> dict[str, Any]:
        """What the camera says of the next frame."""
        del signal_function
        with self.captured_request(wait=wait) as request:
            return request.get_metadata()
