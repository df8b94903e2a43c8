"""Who makes the pieces of a service. Tests and other programs put their own makers here."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_retinaface.assets import default_model
from edge_retinaface.cameras import LatestCamera, open_camera
from edge_retinaface.config import CameraSettings, Config, ModelSettings
from edge_retinaface.detector import RetinaFace
from edge_retinaface.publishers import OnCommand, Publisher, ReadStats, open_publishers
from edge_retinaface.service.detection import Detector


def open_detector(settings: ModelSettings) -> Detector:
    """The detector that the configuration asks for. ModelError, DelegateError, ConfigError."""
    return RetinaFace(
        settings.path,
        min_score=settings.threshold,
        max_iou=settings.max_iou,
        threads=settings.threads,
        delegate=settings.delegate,
        package=settings.interpreter,
    )


def model_identity(settings: ModelSettings) -> object:
    """Equal as long as the same file is to be run in the same way."""
    try:
        found = Path(settings.path or default_model()).stat()
        file: object = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    except OSError:
        file = None  # opening it says what is wrong
    return settings.path, settings.threads, settings.delegate, settings.interpreter, file


def _open_camera(settings: CameraSettings, input_hw: tuple[int, int], ready: threading.Condition) -> LatestCamera:
    return open_camera(settings, fit_hw=input_hw, ready=ready)


@dataclass(frozen=True)
class Parts:
    """Makers; each raises an EdgeRetinaFaceError for what cannot be."""

    detector: Callable[[ModelSettings], Detector] = open_detector
    model_identity: Callable[[ModelSettings], object] = model_identity  # another one: the detector is made anew
    camera: Callable[[CameraSettings, tuple[int, int], threading.Condition], LatestCamera] = _open_camera
    publishers: Callable[[Config, OnCommand, ReadStats], Sequence[Publisher]] = open_publishers
