import numpy as np
import pytest

from edge_retinaface.data import Detections
from edge_retinaface.store.agreement import Agreement, agreement

BOX = (10, 10, 30, 30)
HALF = (20, 10, 40, 30)  # IoU with BOX: 200 / 600
NEAR = (12, 10, 32, 30)  # 360 / 440


def found(*faces: tuple[tuple[int, int, int, int], float]) -> Detections:
    boxes = np.array([box for box, _ in faces], np.float32).reshape(-1, 4)
    return Detections(
        boxes, np.array([score for _, score in faces], np.float32), np.zeros((len(faces), 5, 2), np.float32)
    )


def test_two_models_that_see_nothing_agree() -> None:
    assert agreement(Detections.none(), Detections.none(), 0.5) == Agreement(0, 0)
    assert Agreement(0, 0).share == 1


def test_a_face_that_both_see_is_one_face() -> None:
    assert agreement(found((BOX, 0.9)), found((NEAR, 0.8)), 0.5) == Agreement(1, 0)


def test_a_sure_face_that_the_other_misses_is_missed_whoever_misses_it() -> None:
    assert agreement(found((BOX, 0.9)), Detections.none(), 0.5) == Agreement(1, 1)
    assert agreement(Detections.none(), found((BOX, 0.9)), 0.5) == Agreement(1, 1)


def test_boxes_with_a_third_in_common_are_two_faces() -> None:
    assert agreement(found((BOX, 0.9)), found((HALF, 0.9)), 0.5) == Agreement(2, 2)


def test_a_face_near_the_threshold_is_nobodys_fault() -> None:
    assert agreement(found((BOX, 0.64)), Detections.none(), 0.5) == Agreement(0, 0)
    assert agreement(found((BOX, 0.66)), Detections.none(), 0.5) == Agreement(1, 1)


def test_a_face_of_which_only_one_is_sure_counts_once() -> None:
    assert agreement(found((BOX, 0.9)), found((BOX, 0.55)), 0.5) == Agreement(1, 0)


def test_the_share_is_over_all_frames() -> None:
    total = Agreement(1, 1) + Agreement(3, 0)
    assert total == Agreement(4, 1)
    assert total.share == pytest.approx(0.75)
