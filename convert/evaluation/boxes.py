"""Overlap of boxes, and which face a detection is about."""

import numpy as np
from numpy.typing import NDArray

from convert.evaluation.dataset import F64

OPERATING_SCORE = 0.5  # where a detector is usually cut in use
MIN_IOU = 0.5  # WIDER FACE and PASCAL VOC alike


def iou_matrix(boxes: F64, others: F64, pixel: float = 0.0) -> F64:
    """float64 (n, m): intersection over union of (n, 4) and (m, 4) boxes, x1 y1 x2 y2; 0 where both are empty.

    `pixel` is added to every width and height: 1 where corners are pixels inside the box, as the WIDER FACE toolkit
    has it, 0 where they are points.
    """
    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(opposite - corner + pixel, 0).prod(axis=2)
    union = _areas(boxes, pixel)[:, None] + _areas(others, pixel) - shared
    iou: F64 = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def best_faces(boxes: F64, faces: F64, pixel: float = 0.0) -> NDArray[np.intp]:
    """The face each box overlaps most, the first of equals; -1 where that IoU is below `MIN_IOU`. Intp (n,)."""
    if not len(faces):
        return np.full(len(boxes), -1, np.intp)
    overlap = iou_matrix(boxes, faces, pixel)
    return np.where(overlap.max(axis=1) >= MIN_IOU, overlap.argmax(axis=1), -1)


def greedy_pairs(boxes: F64, others: F64) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of `boxes` and of `others` that belong together, one to one: largest IoU first, down to `MIN_IOU`."""
    overlap = iou_matrix(boxes, others)
    rows, columns = np.nonzero(overlap >= MIN_IOU)
    pairs: dict[int, int] = {}
    for place in np.argsort(-overlap[rows, columns], kind="stable"):
        row, column = int(rows[place]), int(columns[place])
        if row not in pairs and column not in pairs.values():
            pairs[row] = column
    return np.array(list(pairs), np.intp), np.array(list(pairs.values()), np.intp)


def box_sizes(boxes: F64) -> F64:
    """float64 (n,): √(width · height), pixels."""
    return np.sqrt(_areas(boxes, 0.0))


def _areas(boxes: F64, pixel: float) -> F64:
    areas: F64 = np.maximum(boxes[:, 2:] - boxes[:, :2] + pixel, 0).prod(axis=1)
    return areas
