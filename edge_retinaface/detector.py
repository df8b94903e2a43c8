"""The detector: a picture in, faces out."""

import os
from functools import cache, lru_cache
from time import perf_counter_ns
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_retinaface.anchors import make_anchors
from edge_retinaface.assets import default_model
from edge_retinaface.data import F32, LANDMARK_NAMES, MOST_THREADS, U8, ChannelOrder, Detections, Frame
from edge_retinaface.decode import Candidates, Decoder
from edge_retinaface.errors import ConfigError
from edge_retinaface.faces import MaskShape, blur_faces, crop_faces
from edge_retinaface.images import as_pixels, read_image
from edge_retinaface.interpreter import Interpreter, Package
from edge_retinaface.model_file import read_model
from edge_retinaface.nms import nms
from edge_retinaface.preprocess import PLANS

Picture = str | os.PathLike[str] | NDArray[Any]  # a file, or an array as OpenCV reads it

UNMEASURED = 0.5  # least score of a model whose card names none


class Stages(NamedTuple):
    """How long each stage of one detection took, nanoseconds."""

    letterbox_ns: int
    invoke_ns: int
    decode_ns: int
    nms_ns: int


class RetinaFace:
    """One loaded model. Not for several threads at once: give each its own.

    `model` is a file made by `convert`, or None for the default model. `min_score` is a probability 0..1 and may be
    changed between calls; None takes the threshold on the model's card. Boxes whose IoU with a better one is over
    `max_iou` are dropped. `delegate` is "", "edgetpu" or the path of a delegate library. Errors: ModelError,
    DelegateError, ConfigError.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        min_score: float | None = None,
        max_iou: float = 0.4,
        threads: int = 1,
        delegate: str = "",
        package: Package = "",
    ) -> None:
        if min_score is not None:
            _fraction("min_score", min_score)
        self.max_iou = _fraction("max_iou", max_iou)
        if not 1 <= threads <= MOST_THREADS:
            raise ConfigError(f"threads: wanted 1 to {MOST_THREADS}, found {threads}")
        self._model = read_model(default_model() if model is None else model)
        own = self._model.card.threshold
        self.min_score = next(score for score in (min_score, own, UNMEASURED) if score is not None)
        self._interpreter = Interpreter(self._model, threads=threads, delegate=delegate, package=package)
        (meaning,) = {one.meaning for one in self._model.card.outputs if one.kind == "scores"}
        self._decode = Decoder(self._model.card.spec, meaning, make_anchors(self._model.card.spec))
        self.stages = Stages(0, 0, 0, 0)  # of the latest call

    @property
    def model_name(self) -> str:
        """The name on the model card."""
        return self._model.card.name

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the network's input, pixels."""
        return self._model.card.spec.input_hw

    @property
    def fit_hw(self) -> tuple[int, int] | None:
        """The `input_hw` for which frames may be scaled ahead; None: it wants to see whole frames."""
        return self.input_hw

    def operators(self) -> tuple[int, dict[str, int]]:
        """How many parts of the network a delegate runs, and the operators that it does not, by name."""
        return self._interpreter.operators()

    def edgetpu_operators(self) -> tuple[int, dict[str, int]]:
        """How many parts of the network run on the Edge TPU, and the operators beside them by name."""
        return self._interpreter.edgetpu_operators()

    def __call__(self, image: Picture) -> Detections:
        """Faces in a file, or in an array (height, width, 3) uint8, BGR. Grey, alpha and 16 bits are understood."""
        return self._detect(_pixels(image), "BGR")

    def detect(self, frame: Frame) -> Detections:
        """Faces in a camera's frame."""
        return self._detect(frame.pixels, frame.order, frame.scaled_from)

    def _detect(self, pixels: U8, order: ChannelOrder, full_hw: tuple[int, int] | None = None) -> Detections:
        start = perf_counter_ns()
        box = self._interpreter.fill(pixels, order, full_hw)
        filled = perf_counter_ns()
        outputs = self._interpreter.invoke()
        invoked = perf_counter_ns()
        candidates = self._decode(outputs, self.min_score, box)
        decoded = perf_counter_ns()
        detections = _best(candidates, self.max_iou, box.frame_hw)
        self.stages = Stages(filled - start, invoked - filled, decoded - invoked, perf_counter_ns() - decoded)
        return detections

    @staticmethod
    def detect_faces(image: Picture, threshold: float = 0.9, model: "RetinaFace | None" = None) -> dict[str, Any]:
        """Faces as the `retina-face` package gives them: {"face_1": {"score", "facial_area", "landmarks"}, …}.

        `facial_area` is x1 y1 x2 y2 in whole pixels. Without `model` the default model is loaded once and kept.
        """
        return as_dictionary(_detect_with(model, _pixels(image), threshold))

    @staticmethod
    def extract_faces(
        image: Picture, threshold: float = 0.9, model: "RetinaFace | None" = None, *, align: bool = True
    ) -> list[U8]:
        """One BGR picture a face, best first: 112x112 and upright if `align`, else the box cut out."""
        pixels = _pixels(image)
        return crop_faces(pixels, _detect_with(model, pixels, threshold), align=align)

    @staticmethod
    def blur_faces(
        image: Picture,
        threshold: float = 0.3,  # low: a face left to see costs more than a blurred lamp
        model: "RetinaFace | None" = None,
        *,
        mask_scale: float = 1.2,
        shape: MaskShape = "ellipse",
    ) -> U8:
        """A BGR copy of the picture with every face made unrecognisable."""
        pixels = _pixels(image)
        return blur_faces(pixels, _detect_with(model, pixels, threshold), mask_scale=mask_scale, shape=shape)


def as_dictionary(detections: Detections) -> dict[str, Any]:
    """Detections in the form of the `retina-face` package."""
    return {
        f"face_{number}": {
            "score": score,
            "facial_area": [round(float(side)) for side in box],
            "landmarks": {name: [float(x), float(y)] for name, (x, y) in zip(LANDMARK_NAMES, landmarks, strict=True)},
        }
        for number, (box, score, landmarks) in enumerate(detections, 1)
    }


@cache
def _default_detector() -> RetinaFace:
    return RetinaFace()


def _detect_with(model: RetinaFace | None, pixels: U8, threshold: float) -> Detections:
    detector = model or _default_detector()
    before, detector.min_score = detector.min_score, _fraction("threshold", threshold)
    try:
        return detector(pixels)
    finally:
        detector.min_score = before


def _pixels(image: Picture) -> U8:
    return read_image(image) if isinstance(image, str | os.PathLike) else as_pixels(image)


def _fraction(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ConfigError(f"{name}: wanted a number from 0 to 1, found {value}")
    return value


def _best(candidates: Candidates, max_iou: float, frame_hw: tuple[int, int]) -> Detections:
    keep = nms(candidates.boxes, candidates.scores, max_iou)
    boxes = candidates.boxes.take(keep, 0)
    np.maximum(boxes, 0, out=boxes)
    np.minimum(boxes, _far_corner(frame_hw), out=boxes)
    return Detections(boxes, candidates.scores.take(keep), candidates.landmarks.take(keep, 0))


@lru_cache(maxsize=PLANS)
def _far_corner(frame_hw: tuple[int, int]) -> F32:
    """float32 (4,): the most that a box can have."""
    return np.array(frame_hw[::-1] * 2, np.float32)
