"""Who makes the pieces of a service. Tests and other programs put their own makers here."""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_retinaface.cameras import LatestCamera, open_camera
from edge_retinaface.config import CameraSettings, Config, ModelSettings
from edge_retinaface.delegates import is_for_edgetpu
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import DelegateError
from edge_retinaface.model_file import read_content
from edge_retinaface.probing import ProbeError, run_probe
from edge_retinaface.publishers import OnCommand, Publisher, ReadStats, open_publishers
from edge_retinaface.service.detection import Detector
from edge_retinaface.store.live import LiveDetector
from edge_retinaface.store.models import STORE_LINK, Store
from edge_retinaface.store.trial import Keeper
from edge_retinaface.tiles import TiledRetinaFace, parse_grid

log = logging.getLogger(__name__)


class StoredDetector(LiveDetector[RetinaFace]):
    """The store's model, as the configuration wants it run, followed and tried until `close`."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._is_tried = False
        super().__init__(self._load, Store())
        self._keeper = Keeper(self)
        self._keeper.start()

    def close(self) -> None:
        """End the thread that follows the store."""
        self._keeper.stop()

    def _load(self, path: Path) -> RetinaFace:
        if not self._is_tried:  # only once: afterwards the accelerator is this process's, and no other one gets it
            self._settings, self._is_tried = _tried(msgspec.structs.replace(self._settings, path=str(path))), True
        return open_detector(msgspec.structs.replace(self._settings, path=str(path)))


def open_live_detector(settings: ModelSettings) -> Detector:
    """The detector that the configuration asks for; it follows the store. ModelError, DelegateError, ConfigError."""
    if is_stored(settings):
        return StoredDetector(settings)
    return open_detector(_tried(settings))


def open_detector(settings: ModelSettings) -> RetinaFace:
    """The same, loaded once and here. ModelError, DelegateError, ConfigError."""
    return TiledRetinaFace(
        model_path(settings),
        grid=parse_grid("model.tiles", settings.tiles),
        min_score=settings.threshold,
        max_iou=settings.max_iou,
        threads=settings.threads,
        delegate=settings.delegate,
        package=settings.interpreter,
    )


def model_path(settings: ModelSettings) -> Path:
    """The file that is to be run now. ModelError if there is none."""
    return next(Store().whole()) if is_stored(settings) else Path(settings.path or "")


def is_stored(settings: ModelSettings) -> bool:
    """Whether the store says which model it is, and not the configuration."""
    return settings.path in (None, str(STORE_LINK))


def model_identity(settings: ModelSettings) -> object:
    """Equal as long as the same file is to be run in the same way; the store's model is followed without this."""
    file: object = None
    if not is_stored(settings):
        with suppress(OSError):  # opening it says what is wrong
            found = Path(settings.path or "").stat()
            file = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    return (
        settings.path,
        settings.threads,
        settings.tiles,
        settings.delegate,
        settings.delegate_fallback,
        settings.interpreter,
        file,
    )


def _tried(settings: ModelSettings) -> ModelSettings:
    """How to run it, once the delegate has shown in another process that it does not crash or hang.

    No processor runs a model that was compiled for the Edge TPU: there is nothing to fall back to.
    """
    if settings.delegate:
        try:
            run_probe(settings)
        except ProbeError as error:
            if not settings.delegate_fallback or is_for_edgetpu(read_content(model_path(settings))):
                raise DelegateError(f"{settings.delegate}: {error}") from error
            log.warning("%s: %s; the CPU does its work", settings.delegate, error)
            return msgspec.structs.replace(settings, delegate="")
    return settings


def _open_camera(settings: CameraSettings, input_hw: tuple[int, int], ready: threading.Condition) -> LatestCamera:
    return open_camera(settings, fit_hw=input_hw, ready=ready)


@dataclass(frozen=True)
class Parts:
    """Makers; each raises an EdgeRetinaFaceError for what cannot be."""

    detector: Callable[[ModelSettings], Detector] = open_live_detector
    model_identity: Callable[[ModelSettings], object] = model_identity  # another one: the detector is made anew
    camera: Callable[[CameraSettings, tuple[int, int], threading.Condition], LatestCamera] = _open_camera
    publishers: Callable[[Config, OnCommand, ReadStats], Sequence[Publisher]] = open_publishers
