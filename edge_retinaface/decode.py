"""Raw outputs to candidate faces. The threshold is applied to raw integers; only survivors become floats."""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import F32, Letterbox, LevelOutputs, QuantizedTensor, RawOutputs
from edge_retinaface.spec import ModelSpec, ScoreMeaning


class Candidates(NamedTuple):
    """Anchors whose score passed, before NMS; row i of every array is one anchor."""

    boxes: F32  # float32 (n, 4), x1 y1 x2 y2, frame pixels, not clipped
    scores: F32  # float32 (n,), 0..1
    landmarks: F32  # float32 (n, 5, 2), x y, frame pixels


class Decoder:
    """Undoes SSD's encoding (Liu et al., 2016, section 2.2) for one model.

    Centres and landmarks are offsets from the anchor's centre in units of its size, widths and heights are logarithms
    of multiples of it. After the network nothing is in the caches, so a numpy call costs more than the few numbers it
    works on: there are as few as possible, and anchors are kept in pixels of the frame. Within a call faces lie side by
    side, for numpy is slow where the last axis is short.
    """

    def __init__(self, spec: ModelSpec, meaning: ScoreMeaning, anchors: tuple[F32, ...]) -> None:
        self._anchors = anchors
        self._meaning = meaning
        self._variances = spec.variances
        self._scale_xy = (1.0, 1.0)
        self._places = anchors  # cx cy width height, frame pixels, while the scale is that

    def __call__(self, outputs: RawOutputs, min_score: float, letterbox: Letterbox) -> Candidates:
        """Candidates with a score of at least `min_score`, in the order of the levels, then of the anchors."""
        raw_threshold = _inverse_score(min_score, self._meaning)
        passed = [_at_least(level.scores, raw_threshold) for level in outputs]
        if letterbox.scale_xy != self._scale_xy:
            self._scale_xy = letterbox.scale_xy
            scale: F32 = np.array(self._scale_xy * 2, np.float32)
            self._places = tuple(level / scale for level in self._anchors)
        count = sum(map(len, passed))
        raw = np.empty((14, count), np.float32)
        scores = np.empty(count, np.float32)
        places = np.empty((4, count), np.float32)
        end = 0
        for level, rows, level_places in zip(outputs, passed, self._places, strict=True):
            if len(rows):
                start, end = end, end + len(rows)
                self._take(level, rows, raw[:, start:end])
                scores[start:end] = _scores(level.scores, rows, self._meaning)
                places[:, start:end] = level_places.take(rows, 0).T
        centre, size = places[:2], places[2:]
        points = raw.reshape(7, 2, count)  # centre, half the size, landmarks
        middle, half, landmarks = points[0], points[1], points[2:]
        np.exp(half, out=half)
        points *= size
        middle += centre
        landmarks += centre
        boxes = np.empty((4, count), np.float32)
        np.subtract(middle, half, out=boxes[:2])
        np.add(middle, half, out=boxes[2:])
        return Candidates(boxes.T, scores, landmarks.transpose(2, 0, 1))

    def _take(self, level: LevelOutputs, rows: NDArray[np.intp], raw: F32) -> None:
        """The rows of one level as offsets in units of the anchor and the logarithm of half its multiple."""
        boxes, _, landmarks = level
        raw[:4] = boxes.values.reshape(-1, 4).take(rows, 0).T
        raw[4:] = landmarks.values.reshape(-1, 10).take(rows, 0).T
        factor, addend = _to_offsets(
            boxes.scale, boxes.zero_point, landmarks.scale, landmarks.zero_point, self._variances
        )
        raw *= factor
        raw += addend


@lru_cache(maxsize=64)
def _to_offsets(
    box_scale: float, box_zero: int, landmark_scale: float, landmark_zero: int, variances: tuple[float, float]
) -> tuple[F32, F32]:
    """What raw integers are multiplied with, and what is then added: float32 (14, 1) each."""
    of_centre, of_size = variances
    factor = np.array([box_scale * of_centre] * 2 + [box_scale * of_size] * 2 + [landmark_scale * of_centre] * 10)
    addend = -np.array([box_zero] * 4 + [landmark_zero] * 10) * factor
    addend[2:4] += math.log(0.5)  # exp then gives half the size, from the middle to a side
    return factor.astype(np.float32)[:, None], addend.astype(np.float32)[:, None]


def _inverse_score(score: float, meaning: ScoreMeaning) -> float:
    """The raw value whose meaning is `score`."""
    if meaning == "probability":
        return score
    if score <= 0:
        return -math.inf
    return math.log(score) - math.log1p(-score) if score < 1 else math.inf


def _scores(scores: QuantizedTensor, rows: NDArray[np.intp], meaning: ScoreMeaning) -> F32:
    """The scores of these rows, 0..1."""
    raw = scores.values.reshape(-1).take(rows)
    if raw.dtype == np.int8:
        return _score_table(scores.scale, scores.zero_point, meaning).take(raw.view(np.uint8))
    return _score(raw.astype(np.float32), scores.scale, scores.zero_point, meaning)


@lru_cache(maxsize=64)
def _score_table(scale: float, zero_point: int, meaning: ScoreMeaning) -> F32:
    """The scores that an int8 can stand for, by its bits: float32 (256,)."""
    return _score(np.arange(256, dtype=np.uint8).view(np.int8).astype(np.float32), scale, zero_point, meaning)


def _score(raw: F32, scale: float, zero_point: int, meaning: ScoreMeaning) -> F32:
    """Raw values to 0..1, in place. For a logit difference the sigmoid equals the two-class softmax."""
    raw -= np.float32(zero_point)
    raw *= np.float32(scale)
    if meaning != "probability":
        raw *= np.float32(0.5)
        np.tanh(raw, out=raw)  # the sigmoid, without an exponential that could overflow
        raw *= np.float32(0.5)
        raw += np.float32(0.5)
    return raw


def _at_least(scores: QuantizedTensor, raw_threshold: float) -> NDArray[np.intp]:
    values = scores.values.reshape(-1)
    least = _least(raw_threshold, scores.scale, scores.zero_point, values.dtype)
    return np.empty(0, np.intp) if least is None else (values >= least).nonzero()[0]


@lru_cache(maxsize=64)
def _least(raw_threshold: float, scale: float, zero_point: int, dtype: np.dtype[Any]) -> Any:  # noqa: ANN401 - a scalar of dtype
    """The least value of `dtype` that passes, or None. Of the tensor's own type: numpy then compares byte by byte."""
    least = raw_threshold / scale + zero_point
    if dtype.kind == "f":
        return dtype.type(least)
    limits = np.iinfo(dtype)
    return None if least > limits.max else dtype.type(math.ceil(max(least, limits.min)))
