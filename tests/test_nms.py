import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.data import F32
from edge_retinaface.nms import CROWD, nms


def boxes_of(*rows: tuple[float, float, float, float]) -> F32:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_no_boxes_leave_no_boxes() -> None:
    assert nms(boxes_of(), np.empty(0, np.float32), 0.4).tolist() == []


def test_the_better_of_two_that_overlap_stays() -> None:
    boxes = boxes_of((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60))  # the first two: 90 / 110 = 0.82
    assert nms(boxes, np.array([0.6, 0.9, 0.7], np.float32), 0.4).tolist() == [1, 2]


def test_overlap_at_the_limit_stays() -> None:
    boxes = boxes_of((0, 0, 10, 10), (0, 5, 10, 15))  # 50 / 150
    scores = np.array([0.9, 0.8], np.float32)
    assert nms(boxes, scores, 0.34).tolist() == [0, 1]
    assert nms(boxes, scores, 0.33).tolist() == [0]


def test_equal_scores_keep_their_order() -> None:
    boxes = boxes_of((0, 0, 1, 1), (5, 5, 6, 6), (9, 9, 10, 10))
    assert nms(boxes, np.full(3, 0.5, np.float32), 0.4).tolist() == [0, 1, 2]


def test_boxes_without_area_suppress_nothing() -> None:
    points = np.tile(np.float32([5, 5, 5, 5]), (CROWD + 1, 1))
    assert len(nms(points, np.full(CROWD + 1, 0.5, np.float32), 0.4)) == CROWD + 1
    assert nms(boxes_of((1, 1, 1, 1), (1, 1, 1, 1)), np.array([0.9, 0.8], np.float32), 0.4).tolist() == [0, 1]


def slow_nms(boxes: F32, scores: F32, max_iou: float) -> list[int]:
    """The definition, box by box."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda row: -scores[row]):
        for j in kept:
            width = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0])
            height = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1])
            shared = max(width, 0) * max(height, 0)
            both = sum((boxes[k, 2] - boxes[k, 0]) * (boxes[k, 3] - boxes[k, 1]) for k in (i, j)) - shared
            if shared > max_iou * both:
                break
        else:
            kept.append(i)
    return kept


@given(st.lists(st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2, st.integers(0, 100)), max_size=40))
def test_the_result_is_the_definitions(rows: list[tuple[int, int, int, int, int]]) -> None:
    boxes = boxes_of(*((x, y, x + w, y + h) for x, y, w, h, _ in rows))
    scores = np.array([row[4] / 100 for row in rows], np.float32)
    assert nms(boxes, scores, 0.4).tolist() == slow_nms(boxes, scores, 0.4)


@pytest.mark.parametrize("max_iou", [0.0, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("faces", [20, 600])
def test_in_a_crowd_too(faces: int, max_iou: float) -> None:
    random = np.random.default_rng(faces)
    count = CROWD + 188
    middle = random.uniform(0, 900, (faces, 2))[random.integers(faces, size=count)] + random.normal(0, 4, (count, 2))
    half = random.choice([6, 20, 90], (count, 1)) * random.uniform(0.8, 1.2, (count, 2))
    boxes = np.hstack([middle - half, middle + half]).astype(np.float32)
    scores = random.uniform(0, 1, count).astype(np.float32).round(2)  # rounded: many are equal
    assert nms(boxes, scores, max_iou).tolist() == slow_nms(boxes, scores, max_iou)
