import math

import numpy as np
import pytest
from evaluation_cases import Case, cases, detections, picture
from hypothesis import assume, given
from hypothesis import strategies as st

from convert.evaluation.dataset import ALL, Picture
from convert.evaluation.ranking import WIDER_THRESHOLDS, plain_ranking, wider_ranking
from edge_retinaface.data import Detections


def test_no_detections_find_nothing() -> None:
    for ranking in (wider_ranking, plain_ranking):
        empty = ranking([picture((0, 0, 10, 10))], [Detections.none()], ALL)
        assert empty.average_precision() == 0
        assert empty.faces.tolist() == [1]


def test_no_faces_are_an_average_precision_of_0() -> None:
    assert plain_ranking([picture()], [detections((0, 0, 10, 10, 0.9))], ALL).average_precision() == 0


def test_both_faces_found_first_are_an_average_precision_of_1() -> None:
    faces = [picture((0, 0, 10, 10), (20, 0, 30, 10))]
    found = [detections((0, 0, 10, 10, 0.9), (20, 0, 30, 10, 0.8), (50, 0, 60, 10, 0.1))]
    for ranking in (wider_ranking, plain_ranking):
        assert ranking(faces, found, ALL).average_precision() == 1


def test_a_false_alarm_between_two_faces_costs_a_sixth() -> None:
    faces = [picture((0, 0, 10, 10), (20, 0, 30, 10))]
    found = [detections((0, 0, 10, 10, 0.9), (50, 0, 60, 10, 0.8), (20, 0, 30, 10, 0.7))]
    assert plain_ranking(faces, found, ALL).average_precision() == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)


def test_a_second_detection_of_a_face_is_a_false_alarm_and_one_of_an_ignored_face_is_nothing() -> None:
    twice = [detections((0, 0, 10, 10, 0.9), (0, 0, 10, 9, 0.8))]
    assert plain_ranking([picture((0, 0, 10, 10))], twice, ALL).found.tolist() == [True, False]
    assert plain_ranking([picture((0, 0, 10, 10), counted=[False])], twice, ALL).found.tolist() == []


def test_equal_scores_come_in_together_whatever_their_order() -> None:
    faces = [picture((0, 0, 10, 10))]
    for rows in (((0, 0, 10, 10, 0.5), (50, 0, 60, 10, 0.5)), ((50, 0, 60, 10, 0.5), (0, 0, 10, 10, 0.5))):
        assert plain_ranking(faces, [detections(*rows)], ALL).average_precision() == 0.5


def test_the_wider_protocol_stretches_scores_over_all_pictures_and_reads_at_1000_thresholds() -> None:
    faces = [picture((0, 0, 10, 10)), picture((0, 0, 10, 10))]
    found = [detections((0, 0, 10, 10, 0.6)), detections((0, 0, 10, 10, 0.4), (50, 0, 60, 10, 0.2))]
    curve = wider_ranking(faces, found, ALL).curve()
    assert len(curve.thresholds) == WIDER_THRESHOLDS
    # 0.6 becomes 1, 0.4 becomes 0.5 and 0.2 becomes 0
    assert curve.recall[[0, 498, 500, 999]].tolist() == [0.5, 0.5, 1, 1]
    assert curve.precision[[0, 500, 999]].tolist() == [1, 1, 2 / 3]


def test_a_lone_detection_counts_in_the_wider_protocol() -> None:
    assert wider_ranking([picture((0, 0, 10, 10))], [detections((0, 0, 10, 10, 0.3))], ALL).average_precision() == 1


def test_a_thinned_curve_keeps_both_ends() -> None:
    many = [picture(*((20 * i, 0, 20 * i + 10, 10) for i in range(800)))]
    found = [detections(*((20 * i, 0, 20 * i + 10, 10, 1 - i / 1600) for i in range(800)))]
    thinned = plain_ranking(many, found, ALL).curve().thinned()
    assert len(thinned.recall) == 500
    assert thinned.recall[[0, -1]].tolist() == [1 / 800, 1]


def slow_matches(one: Picture, found: Detections, pixel: int) -> list[tuple[float, str]]:
    """(score, what it is) of each detection, best first: the definition, box by box."""
    taken: set[int] = set()
    results = []
    for row in sorted(range(len(found)), key=lambda i: -found.scores[i]):
        box, best, best_iou = [float(side) for side in found.boxes[row]], -1, -1.0
        for i, face in enumerate(one.boxes.tolist()):
            width = min(box[2], face[2]) - max(box[0], face[0]) + pixel
            height = min(box[3], face[3]) - max(box[1], face[1]) + pixel
            shared = max(width, 0) * max(height, 0)
            areas = [(b[2] - b[0] + pixel) * (b[3] - b[1] + pixel) for b in (box, face)]
            iou = shared / (sum(areas) - shared)
            if iou > best_iou:
                best, best_iou = i, iou
        if best_iou < 0.5:
            kind = "false alarm"
        elif not one.counts[ALL][best]:
            kind = "ignored"
        else:
            kind = "false alarm" if best in taken else "found"
            taken.add(best)
        results.append((float(found.scores[row]), kind))
    return results


def slow_average_precision(recall: list[float], precision: list[float]) -> float:
    """PASCAL VOC's VOCap: sentinels at both ends, the envelope from the right, the sum of the steps."""
    recall, precision = [0.0, *recall, 1.0], [0.0, *precision, 0.0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)))


@given(cases())
def test_the_wider_protocol_equals_the_toolkits_written_out(case: Case) -> None:
    pictures, predictions = case
    scores = [float(score) for found in predictions for score in found.scores]
    assume(len(set(scores)) > 1)
    low, high = min(scores), max(scores)
    recall, precision = [], []
    matches = [
        slow_matches(one, found, 1) if len(one.boxes) else [] for one, found in zip(pictures, predictions, strict=True)
    ]
    faces = sum(int(one.counts[ALL].sum()) for one in pictures)
    for step in range(1, 1001):
        reached = [kind for rows in matches for score, kind in rows if (score - low) / (high - low) >= 1 - step / 1000]
        hits, shots = reached.count("found"), len(reached) - reached.count("ignored")
        recall.append(hits / faces if faces else 0.0)
        precision.append(hits / shots if shots else 0.0)
    assert wider_ranking(pictures, predictions, ALL).average_precision() == pytest.approx(
        slow_average_precision(recall, precision), abs=1e-12
    )


@given(cases())
def test_plain_average_precision_equals_the_definition_written_out(case: Case) -> None:
    pictures, predictions = case
    rows = [row for one, found in zip(pictures, predictions, strict=True) for row in slow_matches(one, found, 0)]
    faces = sum(int(one.counts[ALL].sum()) for one in pictures)
    recall, precision = [], []
    for threshold in sorted({score for score, _ in rows}, reverse=True):
        reached = [kind for score, kind in rows if score >= threshold]
        hits, shots = reached.count("found"), len(reached) - reached.count("ignored")
        recall.append(hits / faces if faces else 0.0)
        precision.append(hits / shots if shots else 0.0)
    assert plain_ranking(pictures, predictions, ALL).average_precision() == pytest.approx(
        slow_average_precision(recall, precision), abs=1e-12
    )


@given(cases(), st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_resampling_equals_a_data_set_with_the_pictures_repeated(case: Case, times: list[int]) -> None:
    pictures, predictions = case
    times = times[: len(pictures)]  # of four at most
    repeated = [i for i, count in enumerate(times) for _ in range(count)]
    for ranking in (wider_ranking, plain_ranking):
        resampled = ranking(pictures, predictions, ALL).average_precision(np.array(times))
        written_out = ranking([pictures[i] for i in repeated], [predictions[i] for i in repeated], ALL)
        assert math.isclose(resampled, written_out.average_precision(), abs_tol=1e-12)
