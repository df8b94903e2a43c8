"""Whether each camera gives a frame."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from edge_retinaface.cameras import LatestCamera, open_camera
from edge_retinaface.checks.finding import Finding, failed
from edge_retinaface.checks.service import refused_device
from edge_retinaface.config import CameraSettings
from edge_retinaface.data import Frame
from edge_retinaface.errors import ConfigError
from edge_retinaface.message import Stats

LIMIT_S = 25.0  # for the first frame of all of them
POLL_S = 0.05
ADVICE = {
    "picamera": "rpicam-hello --list-cameras shows what is there; is Picamera2? apt install python3-picamera2",
    "v4l2": "v4l2-ctl --list-devices (apt install v4l-utils) shows what is there; is another program using it?",
    "file": "the service sees no home directory: put it into /srv or /var/lib/edge-retinaface",
    "folder": "the service sees no home directory: put it into /srv or /var/lib/edge-retinaface",
}
STREAM_ADVICE = (
    "try the address with: ffplay or vlc; a camera outside the local network needs IPAddressAllow= in a drop-in"
)


def check_cameras(cameras: tuple[CameraSettings, ...], frames: dict[str, Frame]) -> Iterator[Finding]:
    """One finding a camera; its first frame goes into `frames`. All are opened at once."""
    start = time.monotonic()
    with ExitStack() as stack:
        opened: dict[str, LatestCamera | ConfigError] = {}
        for settings in cameras:
            try:
                opened[settings.name] = stack.enter_context(open_camera(settings))
            except ConfigError as error:
                opened[settings.name] = error
        for settings in cameras:
            camera = opened[settings.name]
            if isinstance(camera, ConfigError):
                yield _failed(settings, camera)
            elif (frame := _first(camera, start + LIMIT_S)) is None:
                yield _failed(settings, camera.state.reason or f"no frame within {LIMIT_S:.0f} s")
            elif settings.scheme == "picamera" and (remedy := refused_device("char-media", "picamera2")):
                yield failed(_name(settings), "it gives frames, but the service may not use it", remedy)
            else:
                frames[settings.name] = frame
                height, width = frame.pixels.shape[:2]
                seconds = time.monotonic() - start
                yield Finding(_name(settings), ok=True, found=f"{width}x{height}, first frame after {seconds:.1f} s")


def running_cameras(cameras: tuple[CameraSettings, ...], stats: Stats) -> Iterator[Finding]:
    """One finding a camera, as the service that runs sees it."""
    for settings in cameras:
        camera = stats.cameras.get(settings.name)
        if camera is None:
            yield failed(
                _name(settings), "not among the cameras of the service that runs", "systemctl reload edge-retinaface"
            )
        elif camera.status.startswith("away"):
            yield _failed(settings, camera.status.removeprefix("away: "))
        else:
            yield Finding(_name(settings), ok=True, found=f"{camera.status}, {camera.fps:.1f} fps")


def _first(camera: LatestCamera, until: float) -> Frame | None:
    """The first frame, None if the camera is away or too slow."""
    while camera.state.name != "away" and time.monotonic() < until:
        if (frame := camera.take()) is not None:
            return frame
        time.sleep(POLL_S)
    return None


def _name(settings: CameraSettings) -> str:
    return f"camera {settings.name}"


def _failed(settings: CameraSettings, found: object) -> Finding:
    return failed(_name(settings), found, ADVICE.get(settings.scheme, STREAM_ADVICE))
