from dataclasses import replace

import numpy as np
import pytest
from evaluation_cases import dataset, detections, picture

from convert.evaluation.landmarks import landmark_error
from edge_retinaface.data import Detections

FACE = (0.0, 0.0, 20.0, 20.0)


def shifted(by: float, score: float = 0.9) -> Detections:
    """A detection of FACE whose nose is `by` pixels too far right and whose other points are exact."""
    one = detections((*FACE, score))
    one.landmarks[0, 2, 0] += by
    return one


def test_pictures_without_annotated_points_have_no_landmark_error() -> None:
    assert landmark_error(dataset(picture(FACE)), (shifted(0),)) is None


def test_a_nose_off_by_a_tenth_of_the_box_is_an_error_of_a_fiftieth() -> None:
    error = landmark_error(dataset(picture(FACE, points5=True)), (shifted(2),))
    assert error is not None
    assert (error.faces, error.found) == (1, 1)
    assert error.nme.value == pytest.approx(2 / 20 / 5)
    assert error.nme_by_point["nose"] == pytest.approx(0.1)
    assert error.nme_by_point["left_eye"] == 0


def test_the_mean_is_over_faces_not_over_pictures() -> None:
    pictures = (picture(FACE, points5=True), picture(FACE, (100, 0, 120, 20), points5=True))
    found = (shifted(2), detections((*FACE, 0.9), (100, 0, 120, 20, 0.8)))
    error = landmark_error(dataset(*pictures), found)
    assert error is not None
    assert (error.found, error.nme.value) == (3, pytest.approx(0.02 / 3))


def test_faces_not_found_or_below_the_operating_score_are_counted_as_missing() -> None:
    error = landmark_error(dataset(picture(FACE, points5=True)), (shifted(0, score=0.4),))
    assert error is not None
    assert (error.faces, error.found, error.nme.value, error.nme_by_point["nose"]) == (1, 0, None, None)


def test_faces_without_points_are_left_out_and_take_their_detection_with_them() -> None:
    both = picture(FACE, (100, 0, 120, 20), points5=True)
    assert both.landmarks is not None
    half = replace(both, landmarks=np.where([[[True]], [[False]]], both.landmarks, np.nan))
    error = landmark_error(dataset(half), (detections((*FACE, 0.9), (100, 0, 120, 20, 0.8)),))
    assert error is not None
    assert (error.faces, error.found, error.nme.value) == (1, 1, 0)
