"""The parts of gating: what each says of made-up figures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.evaluation.bootstrap import Estimate
from convert.evaluation.comparison import Agreement
from convert.layout import HEADS
from convert.make.collapse import dead_channel, separation
from convert.make.limits import Limits
from convert.make.operating import has_moved, operating_score
from convert.make.shown import choose_pictures
from edge_retinaface.data import F32, Detections
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert


def detections(scores: list[float]) -> Detections:
    count = len(scores)
    return Detections(
        np.zeros((count, 4), np.float32), np.array(scores, np.float32), np.zeros((count, 5, 2), np.float32)
    )


def outputs(scores: F32) -> dict[str, F32]:
    return dict.fromkeys(HEADS, scores)


def test_a_model_that_scores_everything_lower_is_cut_lower() -> None:
    reference = (detections([0.9] * 40), detections([0.3] * 10))
    candidate = (detections([0.4] * 40), detections([0.2] * 10))
    found = operating_score(reference, candidate)
    assert found == pytest.approx(0.29, abs=0.01)  # halfway between the logits of 0.4 and 0.2


def test_equal_scores_are_not_cut_apart_and_the_nearest_number_is_taken() -> None:
    reference = (detections([0.9] * 40),)
    candidate = (detections([0.8] * 30 + [0.6] * 12 + [0.1] * 50),)  # 30, 42 or 92 faces: 42 is nearest
    found = operating_score(reference, candidate)
    assert found is not None
    assert 0.1 < found < 0.6


def test_too_few_faces_and_a_dead_model_have_no_operating_score() -> None:
    assert operating_score((detections([0.9] * 5),), (detections([0.9] * 5),)) is None
    assert operating_score((detections([0.9] * 40),), (detections([]),)) is None
    assert operating_score((), ()) is None


def test_separation_is_one_for_the_right_order_and_the_share_of_faces_for_a_constant() -> None:
    faces = np.array([True, False, True, False])
    assert separation(faces, np.array([3.0, 1.0, 2.0, 0.0])) == 1
    assert separation(faces, np.zeros(4)) == 0.5
    assert separation(faces, np.array([np.nan, 1.0, np.nan, 0.0])) == 0.5


def test_one_squashed_anchor_is_dead_though_the_other_is_as_good_as_ever() -> None:
    chance = np.random.default_rng(0)
    scores = chance.normal(-6, 2, (4000, 2)).astype(np.float32)
    scores[:60] += 9
    assert (
        dead_channel([outputs(scores)], [outputs(scores + chance.normal(0, 0.3, scores.shape).astype(np.float32))])
        == ""
    )
    squashed = np.round(scores / [1, 100]).astype(np.float32) * [1, 100]
    assert "stride 8, anchor 2 of 2: faces told with AP 0.0" in dead_channel([outputs(scores)], [outputs(squashed)])


def test_a_channel_on_which_float_sees_next_to_nothing_is_not_judged() -> None:
    scores = np.full((4000, 2), -6, np.float32)
    scores[:9] = 5
    assert dead_channel([outputs(scores)], [outputs(np.zeros_like(scores))]) == ""


def test_limits_name_the_one_that_is_broken() -> None:
    assert not Limits().given
    assert Limits().broken(1.0, 1.0) == ""
    both = Limits(0.01, 0.02)
    assert both.broken(0.01, 0.02) == ""
    assert both.broken(0.011, 0.5) == "AP drop over 0.01"
    assert both.broken(0.0, 0.03) == "landmark error over 0.02"
    assert both.broken(0.0, None) == "landmark error not measurable"
    assert Limits(ap_drop=0.0).given


def test_scores_have_moved_where_one_side_reports_more_than_chance_allows() -> None:
    nothing = Estimate(None, None)

    def at_half(reference: int, candidate: int, matched: int) -> Agreement:
        return Agreement(reference, candidate, matched, nothing, nothing, nothing, nothing, nothing)

    assert not has_moved(at_half(100, 100, 100))
    assert not has_moved(at_half(100, 95, 92))  # 8 lost, 3 extra: 5 is 1.5 deviations
    assert has_moved(at_half(100, 80, 78))  # 22 lost, 2 extra: 20 is 4.1
    assert has_moved(at_half(100, 130, 98))


@pytest.mark.parametrize(("count", "calibrate", "measure"), [(9, 9, 0), (10, 8, 2), (14, 12, 2)])
def test_every_fifth_picture_of_a_folder_is_kept_back_unless_they_are_few(
    count: int, calibrate: int, measure: int, tmp_path: Path
) -> None:
    for number in range(count):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), np.full((32, 32, 3), number, np.uint8))
    spec = ModelSpec((32, 32))
    shown = choose_pictures(tmp_path, spec, keep_back=True)
    assert (len(shown.calibration.tensors), len(shown.kept_back)) == (calibrate, measure)
    assert [int(one.max()) for one in shown.kept_back] == [4, 9][:measure]
    assert len(choose_pictures(tmp_path, spec, keep_back=False).calibration.tensors) == count
