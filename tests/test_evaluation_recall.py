from evaluation_cases import dataset, detections, picture

from convert.evaluation.recall import SIZE_EDGES, size_recall
from edge_retinaface.data import Detections


def test_no_faces_are_rows_of_zeros() -> None:
    rows = size_recall(dataset(picture()), (Detections.none(),))
    assert [(row.faces, row.found, row.found_at_all) for row in rows] == [(0, 0, 0)] * (len(SIZE_EDGES) - 1)
    assert rows[-1].to_px is None


def test_a_face_counts_in_the_row_of_its_size_as_found_at_a_half_or_found_at_all() -> None:
    faces = picture((0, 0, 16, 16), (50, 0, 66, 17), (0, 50, 7, 57), (0, 200, 300, 500))  # sizes 16, 16.5, 7, 300
    found = detections((0, 0, 16, 16, 0.9), (50, 0, 66, 17, 0.3), (0, 50, 7, 57, 0.5), (200, 0, 210, 10, 0.9))
    rows = {row.from_px: (row.faces, row.found, row.found_at_all) for row in size_recall(dataset(faces), (found,))}
    assert rows[0] == (1, 1, 1)
    assert rows[8] == (0, 0, 0)
    assert rows[16] == (2, 1, 2)
    assert rows[256] == (1, 0, 0)


def test_faces_that_no_setting_counts_are_counted_here() -> None:
    rows = size_recall(dataset(picture((0, 0, 20, 20), counted=[False])), (detections((0, 0, 20, 20, 0.9)),))
    assert sum(row.found for row in rows) == 1


def test_a_detection_of_score_0_finds_its_face_at_all() -> None:
    rows = size_recall(dataset(picture((0, 0, 20, 20))), (detections((0, 0, 20, 20, 0.0)),))
    assert sum(row.found_at_all for row in rows) == 1


def test_the_best_of_several_detections_of_a_face_is_its_score() -> None:
    found = detections((0, 0, 20, 20, 0.9), (0, 0, 20, 19, 0.3))
    assert sum(row.found for row in size_recall(dataset(picture((0, 0, 20, 20))), (found,))) == 1
