"""How large a face must be to be found."""

from itertools import pairwise

import msgspec
import numpy as np

from convert.evaluation.boxes import OPERATING_SCORE, best_faces, box_sizes
from convert.evaluation.dataset import Dataset
from convert.evaluation.prediction import Predictions

SIZE_EDGES = (0.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, np.inf)  # √(width · height) of a face, pixels of the picture


class SizeRecall(msgspec.Struct, frozen=True):
    """How many of the faces of one size are found, whether or not a setting counts them."""

    from_px: float  # √(width · height), pixels of the picture
    to_px: float | None  # None: no upper end
    faces: int
    found: int  # with at least OPERATING_SCORE
    found_at_all: int  # with the least score the detector reports


def size_recall(data: Dataset, predictions: Predictions) -> tuple[SizeRecall, ...]:
    """One row a size; a face is found if the detection about it (its best face, IoU 0.5) has the score."""
    sizes, scores = [np.empty(0)], [np.empty(0)]
    for picture, detections in zip(data.pictures, predictions, strict=True):
        best = np.full(len(picture.boxes) + 1, -1.0)  # the last row takes what is about no face
        np.maximum.at(best, best_faces(detections.boxes.astype(np.float64), picture.boxes), detections.scores)
        sizes.append(box_sizes(picture.boxes))
        scores.append(best[:-1])
    size, score = np.concatenate(sizes), np.concatenate(scores)
    rows = []
    for low, high in pairwise(SIZE_EDGES):
        inside = score[(size >= low) & (size < high)]
        found, at_all = int((inside >= OPERATING_SCORE).sum()), int((inside >= 0).sum())
        rows.append(SizeRecall(low, high if np.isfinite(high) else None, len(inside), found, at_all))
    return tuple(rows)
