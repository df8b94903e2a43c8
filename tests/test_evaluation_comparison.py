import numpy as np
import pytest
from evaluation_cases import Case, cases, dataset, detections, picture
from hypothesis import given, settings

from convert.evaluation.comparison import agree, ap_differences, compare
from convert.evaluation.evaluation import evaluate
from convert.evaluation.prediction import Subject
from edge_retinaface.data import Detections

NOBODY = Subject("nobody", lambda _: Detections.none(), {})


def test_no_pictures_agree_on_nothing() -> None:
    nothing = agree((), (), 0.5, 0.5)
    assert (nothing.reference, nothing.candidate, nothing.matched) == (0, 0, 0)
    assert nothing.matched_share.value is None
    assert nothing.extra.value == 0


def test_a_detector_agrees_with_itself() -> None:
    same = (detections((0, 0, 10, 10, 0.9), (20, 0, 30, 10, 0.6)), Detections.none())
    result = agree(same, same, 0.5, 0.5)
    assert (result.matched, result.matched_share.value, result.extra.value) == (2, 1, 0)
    assert (result.score_difference.value, result.iou.value, result.landmark_nme.value) == (0, 1, 0)


def test_differences_of_a_pair_are_of_score_box_and_points_over_the_references_size() -> None:
    reference = (detections((0, 0, 10, 10, 0.9), (50, 0, 60, 10, 0.8)),)
    candidate = (detections((0, 0, 10, 8, 0.75), (90, 0, 99, 9, 0.7), (50, 0, 60, 10, 0.4)),)
    result = agree(reference, candidate, 0.5, 0.5)
    assert (result.reference, result.candidate, result.matched) == (2, 2, 1)
    assert (result.matched_share.value, result.extra.value) == (0.5, 1)
    assert result.score_difference.value == pytest.approx(0.15)
    assert result.iou.value == pytest.approx(0.8)
    # of the five points the two lower corners are 2 px off and the middle 1 px: 5 / 5 / 10
    assert result.landmark_nme.value == pytest.approx(0.1)


def test_the_candidate_may_have_its_own_operating_point() -> None:
    reference, candidate = (detections((0, 0, 10, 10, 0.9)),), (detections((0, 0, 10, 10, 0.4)),)
    assert agree(reference, candidate, 0.5, 0.5).matched == 0
    assert agree(reference, candidate, 0.5, 0.35).matched == 1


def test_the_difference_in_average_precision_is_the_candidates_minus_the_references() -> None:
    data = dataset(picture((0, 0, 10, 10), (20, 0, 30, 10)))
    perfect = (detections((0, 0, 10, 10, 0.9), (20, 0, 30, 10, 0.8)),)
    half = (detections((0, 0, 10, 10, 0.9)),)
    comparison = compare(NOBODY, NOBODY, data, (perfect, half))
    assert comparison.ap_difference["plain"]["all"].value == -0.5
    assert (comparison.min_score, comparison.candidate_min_score) == (0.5, 0.5)


def test_a_constant_difference_has_no_spread_though_each_precision_has() -> None:
    pictures = [picture((0, 0, 10, 10), (20, 0, 30, 10)) for _ in range(6)]
    reference = tuple(detections((0, 0, 10, 10, 0.9), *[(20.0, 0.0, 30.0, 10.0, 0.8)] * (i % 2)) for i in range(6))
    data = dataset(*pictures)
    assert evaluate(NOBODY, data, reference).precision["plain"]["all"].ap.sd != 0
    assert ap_differences(data, reference, reference, ("plain",))["plain"]["all"].sd == 0


@settings(max_examples=40)  # each bootstraps
@given(cases(), cases())
def test_agreement_equals_the_definition_written_out(first: Case, second: Case) -> None:
    pairs = list(zip(first[1], second[1], strict=False))
    matched, wanted, differences = 0, 0, []
    for reference, candidate in pairs:
        ours = [i for i in range(len(reference)) if reference.scores[i] >= 0.5]
        theirs = [i for i in range(len(candidate)) if candidate.scores[i] >= 0.5]
        wanted += len(ours)
        overlaps = []
        for i in ours:
            for j in theirs:
                a, b = reference.boxes[i].astype(float), candidate.boxes[j].astype(float)
                width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
                height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
                either = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
                overlaps.append((-width * height / either, i, j))
        while overlaps and min(overlaps)[0] <= -0.5:
            _, i, j = min(overlaps)
            matched += 1
            differences.append(abs(float(reference.scores[i]) - float(candidate.scores[j])))
            overlaps = [rest for rest in overlaps if rest[1] != i and rest[2] != j]
    result = agree(tuple(one for one, _ in pairs), tuple(other for _, other in pairs), 0.5, 0.5)
    assert (result.reference, result.matched) == (wanted, matched)
    assert result.score_difference.value == (pytest.approx(np.mean(differences)) if differences else None)
