"""How far two models agree on what they see."""

from typing import NamedTuple

import numpy as np

from edge_retinaface.data import F32, Detections

SAME_IOU = 0.5  # boxes that overlap at least this much are one face
MARGIN = (
    0.15  # a face is sure if its score is this far above the threshold: nearer ones come and go between good models
)


class Agreement(NamedTuple):
    """Sure faces that either model found, and those that the other did not find at all."""

    faces: int = 0
    missed: int = 0

    def __add__(self, other: object) -> "Agreement":
        if not isinstance(other, Agreement):
            return NotImplemented
        return Agreement(self.faces + other.faces, self.missed + other.missed)

    @property
    def share(self) -> float:
        """0..1; 1 where neither found a face."""
        return 1 - self.missed / self.faces if self.faces else 1.0


def agreement(one: Detections, other: Detections, min_score: float) -> Agreement:
    """Of one frame; both made with the threshold `min_score`."""
    overlaps = _iou(one.boxes, other.boxes) >= SAME_IOU
    sure_one, sure_other = (found.scores >= min_score + MARGIN for found in (one, other))
    missed = (sure_one & ~overlaps.any(axis=1)).sum() + (sure_other & ~overlaps.any(axis=0)).sum()
    # a face that both are sure of counts once
    both = (overlaps & sure_one[:, None] & sure_other[None, :]).any(axis=1).sum()
    return Agreement(int(sure_one.sum() + sure_other.sum() - both), int(missed))


def _iou(one: F32, other: F32) -> F32:
    """float32 (n, m): boxes `one` float32 (n, 4) against `other` float32 (m, 4), x1 y1 x2 y2."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-9), np.float32)
