"""Faces that both networks see: what each says of them."""

import msgspec
import numpy as np

from convert.evaluation.boxes import box_sizes, greedy_pairs
from convert.evaluation.dataset import F64
from convert.evaluation.prediction import Predictions

LEAST_SCORE = 0.1  # of either: what is below is no face to anybody


class Pairs(msgspec.Struct, frozen=True):
    """Row i of every array is one face, seen by both."""

    scores: F64  # float64 (n, 2): float's, the variant's
    sizes: F64  # float64 (n,): √(width · height) of float's box, pixels
    landmark_errors: F64  # float64 (n,): mean distance of the five points over the size


def pair_faces(reference: Predictions, candidate: Predictions) -> Pairs:
    """One to one by overlap, picture by picture."""
    scores, sizes, errors = [np.empty((0, 2))], [np.empty(0)], [np.empty(0)]
    for ours, theirs in zip(reference, candidate, strict=True):
        one, other = ours.scores >= LEAST_SCORE, theirs.scores >= LEAST_SCORE
        boxes = ours.boxes[one].astype(np.float64)
        left, right = greedy_pairs(boxes, theirs.boxes[other].astype(np.float64))
        size = box_sizes(boxes[left])
        distance = np.linalg.norm(
            ours.landmarks[one][left].astype(np.float64) - theirs.landmarks[other][right], axis=2
        ).mean(axis=1)
        scores.append(np.stack((ours.scores[one][left], theirs.scores[other][right]), 1).astype(np.float64))
        sizes.append(size)
        errors.append(distance / np.maximum(size, 1e-9))
    return Pairs(np.concatenate(scores), np.concatenate(sizes), np.concatenate(errors))
