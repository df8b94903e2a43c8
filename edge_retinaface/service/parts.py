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
from edge_retinaface.store.live import LiveDetector
from edge_retinaface.store.models import STORE_LINK, Store
from edge_retinaface.store.trial import Keeper


class StoredDetector(LiveDetector[RetinaFace]):
    """The store's model, as the configuration wants it run, followed and tried until `close`."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(lambda path: load(settings, path), Store())
        self._keeper = Keeper(self)
        self._keeper.start()

    def close(self) -> None:
        """End the thread that follows the store."""
        self._keeper.stop()


def open_detector(settings: ModelSettings) -> Detector:
    """The detector that the configuration asks for. ModelError, DelegateError, ConfigError."""
    if settings.path in (None, str(STORE_LINK)):
        return StoredDetector(settings)
    return load(settings, settings.path)


def load(settings: ModelSettings, path: str | Path | None) -> RetinaFace:
    """A detector of its own for the model file at `path`."""
    return RetinaFace(
        path,
        min_score=settings.threshold,
        max_iou=settings.max_iou,
        threads=settings.threads,
        delegate=settings.delegate,
        package=settings.interpreter,
    )


def model_identity(settings: ModelSettings) -> object:
    """Equal as long as the same file is to be run in the same way; the store's model is followed without this."""
    try:
        stored = settings.path in (None, str(STORE_LINK))
        found = (default_model() if stored else Path(settings.path or "")).stat()
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
