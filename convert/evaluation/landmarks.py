"""How far the five points are from the annotated ones."""

import msgspec
import numpy as np

from convert.evaluation.bootstrap import Estimate, ratio
from convert.evaluation.boxes import OPERATING_SCORE, box_sizes, greedy_pairs
from convert.evaluation.dataset import F64, Dataset, Picture
from convert.evaluation.prediction import Predictions
from edge_retinaface.data import LANDMARK_NAMES, Detections


class LandmarkError(msgspec.Struct, frozen=True):
    """Distance from annotated points over √(width · height) of the annotated box, of the faces found."""

    faces: int  # annotated with points
    found: int  # one to one by IoU, among detections with at least OPERATING_SCORE
    nme: Estimate  # normalized mean error: mean over faces of the mean over the five points
    nme_by_point: dict[str, float | None]


def landmark_error(data: Dataset, predictions: Predictions) -> LandmarkError | None:
    """None where no face is annotated with points."""
    faces = sum(
        int(np.isfinite(picture.landmarks).all(axis=(1, 2)).sum())
        for picture in data.pictures
        if picture.landmarks is not None
    )
    if not faces:
        return None
    errors = [_errors(picture, detections) for picture, detections in zip(data.pictures, predictions, strict=True)]
    found = np.array([len(rows) for rows in errors], np.float64)
    sums = np.array([rows.sum() / len(LANDMARK_NAMES) for rows in errors])
    every = np.concatenate(errors)
    by_point = {
        name: float(every[:, place].mean()) if len(every) else None for place, name in enumerate(LANDMARK_NAMES)
    }
    return LandmarkError(faces, len(every), ratio(len(errors), sums, found), by_point)


def _errors(picture: Picture, detections: Detections) -> F64:
    """float64 (faces found, 5)."""
    if picture.landmarks is None:
        return np.empty((0, len(LANDMARK_NAMES)))
    likely = detections.scores >= OPERATING_SCORE
    face, detection = greedy_pairs(picture.boxes, detections.boxes[likely].astype(np.float64))
    annotated = np.isfinite(picture.landmarks[face]).all(axis=(1, 2))
    face, detection = face[annotated], detection[annotated]
    distance = np.linalg.norm(picture.landmarks[face] - detections.landmarks[likely][detection], axis=2)
    errors: F64 = distance / box_sizes(picture.boxes[face])[:, None]
    return errors
