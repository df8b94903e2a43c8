"""One detector that others can take the place of, to those who use it always the same one."""

import threading
from typing import Any, Generic, Protocol, TypeVar

from edge_retinaface.data import Detections, Frame


class Detector(Protocol):
    """What RetinaFace has and is needed here and by the service."""

    min_score: float
    max_iou: float
    stages: Any  # of the latest call, nanoseconds

    @property
    def model_name(self) -> str:
        """The name in messages."""

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the network's input, pixels."""

    @property
    def fit_hw(self) -> tuple[int, int] | None:
        """The `input_hw` for which frames may be scaled ahead; None: it wants to see whole frames."""

    def detect(self, frame: Frame) -> Detections:
        """Faces in a frame."""


D = TypeVar("D", bound=Detector)


class Facade(Generic[D]):
    """What the detector in use is asked and told."""

    def __init__(self, active: D, digest: str | None) -> None:
        self._lock = threading.Lock()  # for changes of what is active; never held while a model runs
        self._active = active
        self._digest = digest
        self._standby: D | None = None
        self._min_score = active.min_score

    @property
    def active(self) -> D:
        """The detector whose results are given."""
        return self._active

    @property
    def digest(self) -> str | None:
        """Digest of the active model's file; None for the one that came with the package."""
        return self._digest

    @property
    def min_score(self) -> float:
        """The threshold, of every model."""
        return self._min_score

    @min_score.setter
    def min_score(self, value: float) -> None:
        with self._lock:
            self._min_score = value
            for one in (self._active, self._standby):
                if one is not None:
                    one.min_score = value

    @property
    def max_iou(self) -> float:
        """See RetinaFace; of the active model, and of those that come after."""
        return self._active.max_iou

    @max_iou.setter
    def max_iou(self, value: float) -> None:
        self._active.max_iou = value

    @property
    def stages(self) -> Any:  # noqa: ANN401 - whatever the detector has
        """Of the latest call, by the active model."""
        return self._active.stages

    @property
    def model_name(self) -> str:
        """Of the active model."""
        return self._active.model_name

    @property
    def input_hw(self) -> tuple[int, int]:
        """Of the active model."""
        return self._active.input_hw
