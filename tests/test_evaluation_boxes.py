import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.evaluation.boxes import best_faces, box_sizes, greedy_pairs, iou_matrix

BOX = st.tuples(*[st.integers(0, 12)] * 2, *[st.integers(0, 8)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def boxes_of(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 4)


def test_no_boxes_overlap_nothing() -> None:
    assert iou_matrix(boxes_of(), boxes_of((0, 0, 1, 1))).shape == (0, 1)
    assert best_faces(boxes_of(), boxes_of()).tolist() == []
    assert [side.tolist() for side in greedy_pairs(boxes_of(), boxes_of((0, 0, 1, 1)))] == [[], []]
    assert box_sizes(boxes_of()).tolist() == []


def test_half_of_a_box_shares_one_half_and_with_the_last_pixel_counted_in_six_elevenths() -> None:
    whole, half = boxes_of((0, 0, 10, 10)), boxes_of((0, 0, 10, 5))
    assert iou_matrix(whole, half).tolist() == [[0.5]]
    assert iou_matrix(whole, half, 1.0).tolist() == [[66 / 121]]


def test_a_box_without_area_overlaps_only_where_its_pixel_counts() -> None:
    dot = boxes_of((3, 3, 3, 3))
    assert iou_matrix(dot, dot).tolist() == [[0]]
    assert iou_matrix(dot, dot, 1.0).tolist() == [[1]]


def test_a_box_belongs_to_the_face_it_overlaps_most_and_to_none_below_a_half() -> None:
    faces = boxes_of((0, 0, 10, 10), (2, 0, 12, 10))
    about = boxes_of((2, 0, 11, 10), (0, 0, 10, 5), (0, 0, 10, 4.9), (50, 50, 60, 60))
    assert best_faces(about, faces).tolist() == [1, 0, -1, -1]


def test_pairs_are_one_to_one_and_the_closest_come_first() -> None:
    ours = boxes_of((0, 0, 10, 10), (1, 0, 11, 10))  # the second of theirs is nearer to the second of ours
    theirs = boxes_of((40, 40, 50, 50), (1, 0, 11, 11))
    one, other = greedy_pairs(ours, theirs)
    assert (one.tolist(), other.tolist()) == ([1], [1])


def test_the_size_of_a_box_of_4_by_9_is_6() -> None:
    assert box_sizes(boxes_of((1, 1, 5, 10))).tolist() == [6]


@given(BOX, BOX, st.sampled_from([0.0, 1.0]))
def test_overlap_is_symmetric_between_0_and_1_and_counts_pixels(
    first: tuple[int, int, int, int], second: tuple[int, int, int, int], pixel: float
) -> None:
    def cells(box: tuple[int, int, int, int]) -> set[tuple[int, int]]:
        return {(x, y) for x in range(box[0], box[2] + int(pixel)) for y in range(box[1], box[3] + int(pixel))}

    shared, either = cells(first) & cells(second), cells(first) | cells(second)
    expected = len(shared) / len(either) if either else 0.0
    assert iou_matrix(boxes_of(first), boxes_of(second), pixel).item() == pytest.approx(expected)
    assert iou_matrix(boxes_of(second), boxes_of(first), pixel).item() == pytest.approx(expected)
