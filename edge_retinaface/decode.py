"""Raw outputs to candidate faces. The threshold is applied to raw integers; only survivors become floats."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import F32, Letterbox, QuantizedTensor, RawOutputs
from edge_retinaface.spec import ModelSpec, ScoreMeaning


class Candidates(NamedTuple):
    """Anchors whose score passed, before NMS; row i of every array is one anchor."""

    boxes: F32  # float32 (n, 4), x1 y1 x2 y2, frame pixels, not clipped
    scores: F32  # float32 (n,), 0..1
    landmarks: F32  # float32 (n, 5, 2), x y, frame pixels


def decode(
    outputs: RawOutputs,
    anchors: tuple[F32, ...],
    spec: ModelSpec,
    meaning: ScoreMeaning,
    min_score: float,
    letterbox: Letterbox,
) -> Candidates:
    """Candidates with a score of at least `min_score`, in the order of the levels, then of the anchors."""
    raw_threshold = _inverse_score(min_score, meaning)
    boxes, scores, landmarks, priors = [], [], [], []
    for level, level_anchors in zip(outputs, anchors, strict=True):
        rows = _at_least(level.scores, raw_threshold)
        scores.append(_real(level.scores, rows, ()))
        boxes.append(_real(level.boxes, rows, (4,)))
        landmarks.append(_real(level.landmarks, rows, (5, 2)))
        priors.append(level_anchors[rows])
    prior = np.concatenate(priors)
    back = np.array(letterbox.scale_xy, np.float32) ** -1
    return Candidates(
        _decode_boxes(np.concatenate(boxes), prior, spec.variances, back),
        _score(np.concatenate(scores), meaning),
        _decode_landmarks(np.concatenate(landmarks), prior, spec.variances, back),
    )


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
        return (1 / (1 + np.exp(-raw))).astype(np.float32)


def _at_least(scores: QuantizedTensor, raw_threshold: float) -> NDArray[np.intp]:
    values = scores.values.reshape(-1)
    least = raw_threshold / scores.scale + scores.zero_point
    if values.dtype.kind == "f":
        return np.flatnonzero(values >= least)
    limits = np.iinfo(values.dtype)
    if least > limits.max:
        return np.empty(0, np.intp)
    # compared as the tensor's own type: numpy then reads one byte an anchor and writes no float
    return np.flatnonzero(
        values >= values.dtype.type(max(math.ceil(least), limits.min) if least > -math.inf else limits.min)
    )


def _real(tensor: QuantizedTensor, rows: NDArray[np.intp], row_shape: tuple[int, ...]) -> F32:
    chosen = tensor.values.reshape(-1, *row_shape)[rows].astype(np.float32)
    chosen -= np.float32(tensor.zero_point)
    chosen *= np.float32(tensor.scale)
    return chosen


def _decode_boxes(raw: F32, prior: F32, variances: tuple[float, float], back: F32) -> F32:
    """SSD's centre-size encoding (Liu et al., 2016, section 2.2) with variances; `back` is frame per tensor pixel."""
    centre = prior[:, :2] + raw[:, :2] * np.float32(variances[0]) * prior[:, 2:]
    half = prior[:, 2:] * np.exp(raw[:, 2:] * np.float32(variances[1])) / 2
    boxes = np.empty((len(raw), 4), np.float32)
    boxes[:, :2] = (centre - half) * back
    boxes[:, 2:] = (centre + half) * back
    return boxes


def _decode_landmarks(raw: F32, prior: F32, variances: tuple[float, float], back: F32) -> F32:
    """Points are offsets from the anchor's centre in units of its size, as box centres are."""
    points: F32 = (prior[:, None, :2] + raw * np.float32(variances[0]) * prior[:, None, 2:]) * back
    return points
