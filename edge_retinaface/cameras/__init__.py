"""Cameras behind one door: `with open_camera(settings) as camera: for frame in camera.frames(): …`."""

import threading
from pathlib import Path

from edge_retinaface.cameras.latest import LatestCamera
from edge_retinaface.cameras.orientation import Orientation
from edge_retinaface.cameras.picamera import Hardware, PicameraSource, import_hardware
from edge_retinaface.cameras.replay import FileSource, PictureSource, ReplayCamera, folder_pictures
from edge_retinaface.cameras.slot import LEAST_FPS
from edge_retinaface.cameras.source import NS_PER_MS, NS_PER_S, CameraState, FrameCounts, Opener, Picture, Source
from edge_retinaface.cameras.video import DeviceSource, StreamSource, quiet_opencv
from edge_retinaface.config import CameraSettings
from edge_retinaface.errors import ConfigError

__all__ = [
    "LEAST_FPS",
    "NS_PER_MS",
    "NS_PER_S",
    "CameraState",
    "FrameCounts",
    "LatestCamera",
    "Picture",
    "ReplayCamera",
    "Source",
    "open_camera",
    "quiet_opencv",
]


def open_camera(
    settings: CameraSettings,
    *,
    fit_hw: tuple[int, int] | None = None,
    ready: threading.Condition | None = None,
    hardware: Hardware | None = None,
) -> LatestCamera:
    """The camera that `settings` describe, not started: use it as a context manager. ConfigError for a wrong address.

    `fit_hw` is the model's input: a CSI camera scales its frames to fit. `ready` is notified of each frame; several
    cameras may share it. `hardware` is for tests: the Picamera2 double.
    """
    opener = _opener(settings, fit_hw or (settings.height, settings.width), hardware)
    return LatestCamera(settings.name, opener, max_fps=settings.max_fps, ready=ready)


def _opener(settings: CameraSettings, fit_hw: tuple[int, int], hardware: Hardware | None) -> Opener:
    orientation = Orientation(settings.rotation, settings.flip)
    size_wh = (settings.width, settings.height)
    address = settings.uri.partition(":")[2]
    match settings.scheme:
        case "picamera":
            if not address.isdecimal():
                raise ConfigError(f"camera {settings.name}: wanted picamera: and a number from 0, found {settings.uri}")
            number = int(address)
            return lambda _: PicameraSource(
                number, size_wh, fit_hw, orientation, settings.max_fps, hardware or import_hardware()
            )
        case "v4l2":
            return lambda _: DeviceSource(address, size_wh, orientation)
        case "file":
            return lambda stopping: FileSource(
                Path(address), orientation, stopping, loop=settings.loop, realtime=settings.realtime
            )
        case "folder":
            told: set[Path] = set()  # bad files that the log knows of, over all connections
            return lambda stopping: PictureSource(
                folder_pictures(Path(address), told, loop=settings.loop),
                stopping,
                fps=settings.max_fps if settings.realtime else 0,
                orientation=orientation,
            )
        case _:  # rtsp, rtsps, http, https: the configuration knows no other
            return lambda _: StreamSource(settings.uri, orientation)
