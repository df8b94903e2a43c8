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
    of multiples of it. All numpy calls but those of a level with survivors are made once a frame: a call costs more
    than the few numbers it works on.
    """

    def __init__(self, spec: ModelSpec, meaning: ScoreMeaning, anchors: tuple[F32, ...]) -> None:
        self._anchors = anchors
        self._meaning = meaning
        of_centre, of_size = spec.variances
        self._variances = np.array([of_centre] * 2 + [of_size] * 2 + [of_centre] * 10, np.float32)

    def __call__(self, outputs: RawOutputs, min_score: float, letterbox: Letterbox) -> Candidates:
        """Candidates with a score of at least `min_score`, in the order of the levels, then of the anchors."""
        raw_threshold = _inverse_score(min_score, self._meaning)
        passed = [_at_least(level.scores, raw_threshold) for level in outputs]
        count = sum(map(len, passed))
        raw = np.empty((count, 14), np.float32)  # 4 of the box, 10 of the landmarks
        scores = np.empty(count, np.float32)
        anchors = np.empty((count, 4), np.float32)
        end = 0
        for level, rows, level_anchors in zip(outputs, passed, self._anchors, strict=True):
            if len(rows):
                start, end = end, end + len(rows)
                _take(level, rows, raw[start:end], scores[start:end])
                anchors[start:end] = level_anchors[rows]
        raw *= self._variances
        anchors /= np.array(letterbox.scale_xy * 2, np.float32)  # frame pixels, as then is all that is made from them
        centre, size = anchors[:, :2], anchors[:, 2:]
        landmarks = raw[:, 4:].reshape(count, 5, 2)
        landmarks *= size[:, None]
        landmarks += centre[:, None]
        middle = raw[:, :2] * size
        middle += centre
        half = np.exp(raw[:, 2:4])
        half *= size
        half *= np.float32(0.5)
        return Candidates(np.concatenate((middle - half, middle + half), 1), _score(scores, self._meaning), landmarks)


def _take(level: LevelOutputs, rows: NDArray[np.intp], raw: F32, scores: F32) -> None:
    """Dequantize the rows of one level into `raw`, float32 (n, 14), and `scores`, float32 (n,)."""
    _dequantize(level.boxes, rows, raw[:, :4])
    _dequantize(level.landmarks, rows, raw[:, 4:])
    _dequantize(level.scores, rows, scores[:, None])


def _dequantize(tensor: QuantizedTensor, rows: NDArray[np.intp], out: F32) -> None:
    out[...] = tensor.values.reshape(-1, out.shape[1])[rows]
    out -= np.float32(tensor.zero_point)
    out *= np.float32(tensor.scale)


def _inverse_score(score: float, meaning: ScoreMeaning) -> float:
    """The raw value whose meaning is `score`."""
    if meaning == "probability":
        return score
    if score <= 0:
        return -math.inf
    return math.log(score) - math.log1p(-score) if score < 1 else math.inf


def _score(raw: F32, meaning: ScoreMeaning) -> F32:
    """Raw values to 0..1. For a logit difference the sigmoid equals the two-class softmax."""
    if meaning == "probability":
        return raw
    with np.errstate(over="ignore"):  # exp of a very negative logit: infinity, so the score is 0
        return np.float32(1) / (np.float32(1) + np.exp(-raw))


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
