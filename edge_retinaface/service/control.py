"""What can be changed while the service runs: pause, threshold, frame rate, each for one camera or all."""

import math
import threading
from collections.abc import Callable, Iterable

from edge_retinaface.cameras import LEAST_FPS, LatestCamera
from edge_retinaface.config import MAX_FPS
from edge_retinaface.publishers import OFF, ON, Command

Announce = Callable[[str, str, str], None]  # camera, option, value


class Control:
    """Options of the cameras, and what became of commands. Commands come from any thread."""

    def __init__(self, announce: Announce) -> None:
        self._announce = announce
        self._lock = threading.Lock()
        self._cameras: dict[str, LatestCamera] = {}
        self._threshold = 1.0
        self._thresholds: dict[str, float] = {}  # of cameras for which a command changed it

    def replace(self, cameras: Iterable[LatestCamera], threshold: float) -> None:
        """These are the cameras from now on, and the lowest score that counts as a face, 0..1."""
        with self._lock:
            self._cameras = {camera.name: camera for camera in cameras}
            self._threshold = threshold
            self._thresholds = {}

    def threshold(self, camera: str) -> float:
        """The lowest score that counts as a face, 0..1."""
        return self._thresholds.get(camera, self._threshold)

    def options(self, camera: str) -> dict[str, str]:
        """Every option of a camera as it is now."""
        one = self._cameras[camera]
        return {
            "enabled": ON if one.enabled else OFF,
            "threshold": f"{self.threshold(camera):g}",
            "max_fps": f"{one.max_fps:g}",
        }

    def announce_all(self) -> None:
        """Make all options known."""
        for camera in tuple(self._cameras):
            for option, value in self.options(camera).items():
                self._announce(camera, option, value)

    def on_command(self, command: Command) -> str | None:
        """Do as told and make it known; what is wrong with the command, else None. See publishers.OnCommand."""
        with self._lock:
            names = [command.camera] if command.camera else list(self._cameras)
            unknown = [name for name in names if name not in self._cameras]
            if unknown:
                return f"camera: wanted one of {', '.join(self._cameras)}, found {unknown[0]!r}"
            try:
                apply = self._setter(command.option, command.value)
            except ValueError as error:
                return str(error)
            for name in names:
                apply(name)
        for name in names:
            self._announce(name, command.option, self.options(name)[command.option])
        return None

    def _setter(self, option: str, value: str) -> Callable[[str], None]:
        """What to do to a camera by name; ValueError says what is wrong with option or value."""
        match option:
            case "enabled":
                if value not in {ON, OFF}:
                    raise ValueError(f"enabled: wanted {ON} or {OFF}, found {value!r}")
                return lambda name: setattr(self._cameras[name], "enabled", value == ON)
            case "threshold":
                threshold = _number(option, value, 0, 1)
                return lambda name: self._thresholds.__setitem__(name, threshold)
            case "max_fps":
                max_fps = _number(option, value, LEAST_FPS, MAX_FPS)
                return lambda name: setattr(self._cameras[name], "max_fps", max_fps)
            case _:
                raise ValueError(f"option: wanted enabled, threshold or max_fps, found {option!r}")


def _number(option: str, value: str, least: float, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not least <= number <= most:  # false for nan
        raise ValueError(f"{option}: wanted a number from {least:g} to {most:g}, found {value!r}")
    return number
