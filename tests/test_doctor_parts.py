"""The doctor's pieces, on arrays made by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from hypothesis import given
from hypothesis import strategies as st

from convert.doctor.arrangement import Columns, arrange, cells, gather, named_kind
from convert.doctor.faces import overlaps
from convert.doctor.finding import Diagnosis, Finding
from convert.doctor.mistakes import ADVICE, HEALTHY, INPUT_MISTAKES
from convert.doctor.report import as_dictionary
from convert.doctor.scores import check_scores
from convert.doctor.standard import probabilities
from convert.doctor.subject import Output, Subject
from convert.doctor.variants import COARSE_FIRST, reordered
from edge_retinaface.errors import ModelError

pytestmark = pytest.mark.convert
HW = (64, 32)  # 8 x 4, 4 x 2 and 2 x 1 cells: 64, 16 and 4 anchors
ROWS = 84


def outputs(*shapes: tuple[int, ...]) -> tuple[Output, ...]:
    return tuple(Output(f"Identity_{number}", "", shape) for number, shape in enumerate(shapes))


def kinds(*shapes: tuple[int, ...]) -> list[tuple[str, int | None]]:
    return [(part.kind, part.level) for part in arrange(outputs(*shapes), HW, "m").parts]


def test_a_feature_map_has_a_cell_for_every_begun_stride() -> None:
    assert cells((240, 320)) == [(30, 40), (15, 20), (8, 10)]


def test_joined_outputs_are_told_by_their_last_side() -> None:
    assert kinds((1, ROWS, 2), (1, ROWS, 10), (1, ROWS, 4)) == [("scores", None), ("landmarks", None), ("boxes", None)]


def test_maps_are_told_by_their_cells_and_channels() -> None:
    shapes = [(1, rows, columns, 2 * width) for rows, columns in cells(HW) for width in (4, 1, 10)]
    assert kinds(*shapes) == [(kind, level) for level in range(3) for kind in ("boxes", "scores", "landmarks")]


def test_one_output_of_sixteen_columns_holds_all_three_kinds() -> None:
    arrangement = arrange(outputs((1, ROWS, 16)), HW, "m")
    columns = gather(arrangement, (np.arange(ROWS * 16, dtype=np.float32).reshape(1, ROWS, 16),))
    assert columns.boxes[0].tolist() == [0, 1, 2, 3]
    assert columns.scores[0].tolist() == [4, 5]
    assert columns.landmarks[1].tolist() == list(range(22, 32))


def test_a_network_of_another_size_than_its_input_is_found_by_its_anchors() -> None:
    shapes = [(1, 4200, width) for width in (4, 2, 10)]
    assert arrange(outputs(*shapes), (240, 320), "m").net_hw == (320, 320)


def test_what_is_no_retinaface_is_refused_with_the_shapes_found() -> None:
    with pytest.raises(ModelError, match="wanted boxes, scores and landmarks of a RetinaFace, found Identity_0 1x1001"):
        arrange(outputs((1, 1001)), (224, 224), "m")


def test_names_speak_of_one_kind_or_of_none() -> None:
    assert [named_kind(name) for name in ("bbox_reg", "ldm", "conf_8", "Identity", "box_score")] == [
        "boxes", "landmarks", "scores", None, None,
    ]  # fmt: skip


def columns_of(rows: np.ndarray) -> Columns:
    return Columns(np.repeat(rows[:, None], 4, 1), rows[:, None], np.repeat(rows[:, None], 10, 1))


@given(st.sampled_from(["hwa", "ahw", "wha"]), st.booleans())
def test_every_order_is_put_right_to_rows_columns_anchors(order: str, coarse: bool) -> None:
    right, written, start = [], [], 0
    for rows, columns in cells(HW):
        cube = np.arange(start, start + rows * columns * 2, dtype=np.float32).reshape(rows, columns, 2)
        right.append(cube.reshape(-1))
        written.append(cube.transpose(*("hwa".index(axis) for axis in order)).reshape(-1))
        start += cube.size
    if coarse and order != "hwa":
        return  # one mistake at a time
    said = np.concatenate(written[::-1] if coarse else written)
    found = reordered(columns_of(said), HW, concatenated=True)
    fitting = [detail for detail, one in found.items() if (one.scores[:, 0] == np.concatenate(right)).all()]
    wanted = {"hwa": "", "ahw": "all cells of one anchor size before those of the next",
              "wha": "cells by columns instead of rows"}[order]  # fmt: skip
    assert (COARSE_FIRST if coarse else wanted) in fitting


def test_no_boxes_overlap_nothing_and_half_a_box_a_third() -> None:
    assert overlaps(np.empty((0, 4), np.float32), np.empty((0, 4), np.float32)).shape == (0, 0)
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2]], np.float32)
    np.testing.assert_allclose(overlaps(boxes, boxes), [[1, 1 / 3], [1 / 3, 1]], atol=1e-6)


LOGITS = np.concatenate([np.linspace(-9, -3, 900), np.linspace(-3, 6, 100)]).astype(np.float32)[:, None]
RIGHT = probabilities(LOGITS)


def named(values: np.ndarray, claimed: str | None = None) -> list[str]:
    return [finding.name for finding in check_scores(values.astype(np.float32), LOGITS, claimed)]  # type: ignore[arg-type]


def test_no_scores_are_no_finding() -> None:
    empty = np.empty((0, 1), np.float32)
    assert list(check_scores(empty, empty, None)) == []


def test_scores_that_end_where_no_face_is_told_from_none_are_alive() -> None:
    logits = np.concatenate([np.linspace(1, 7, 40), np.linspace(-27, -2, 400)]).astype(np.float32)[:, None]
    ended = np.maximum(logits, -5)  # as a good int8 file's are
    assert list(check_scores(ended, logits, "logit_difference")) == []
    assert [one.name for one in check_scores(-ended, logits, "logit_difference")] == ["outputs_mislabelled"]
    assert [one.name for one in check_scores(ended * 0 - 1, logits, "logit_difference")] == ["dead_scores"]


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_scores_that_are_what_they_claim_are_no_finding(noise: float) -> None:
    shaken = np.random.default_rng(0).normal(0, noise, LOGITS.shape)
    assert named(LOGITS + shaken) == []
    assert named(LOGITS + shaken, "logit_difference") == []
    assert named(RIGHT, "probability") == []
    assert named(np.hstack([1 - RIGHT, RIGHT])) == []
    assert named(np.hstack([-LOGITS / 2, LOGITS / 2])) == []


def test_probabilities_under_a_sigmoid_are_softmax_twice() -> None:
    assert named(RIGHT, "logit_difference") == ["softmax_twice"]


def test_a_softmax_of_a_softmax_is_named_with_and_without_a_card() -> None:
    twice = 1 / (1 + np.exp(-(2 * RIGHT - 1)))  # 0.269 to 0.731
    assert math.isclose(twice.max(), 0.731, abs_tol=0.002)
    assert named(np.hstack([1 - twice, twice])) == ["softmax_twice"]
    assert named(twice, "probability") == ["softmax_twice"]


def test_logits_called_probabilities_miss_their_softmax() -> None:
    assert named(LOGITS, "probability") == ["softmax_missing"]


def test_exchanged_classes_are_mislabelled() -> None:
    assert named(np.hstack([RIGHT, 1 - RIGHT])) == ["outputs_mislabelled"]


@pytest.mark.parametrize("values", [LOGITS * 0, LOGITS * 0.01, LOGITS * 0 + 5, np.minimum(LOGITS, 0.36), LOGITS / 40])
def test_scores_that_no_longer_tell_faces_are_dead(values: np.ndarray) -> None:
    assert named(values) == ["dead_scores"]


def test_what_the_network_sees_by_each_mistake_is_named_in_the_advice() -> None:
    assert {one.name for one in INPUT_MISTAKES} <= ADVICE.keys()
    assert [one.name for one in INPUT_MISTAKES].count(HEALTHY) == 1


def test_a_diagnosis_without_findings_is_healthy_and_with_some_the_first() -> None:
    assert Diagnosis((), ()).name == "healthy"
    two = Diagnosis((Finding("stretched", "a"), Finding("dead_scores", "b")), ("n",))
    told = as_dictionary(two)
    assert told["diagnosis"] == "stretched"
    assert [one["mistake"] for one in told["findings"]] == ["stretched", "dead_scores"]


@pytest.mark.parametrize("content", [b"", b"hello", b"\0\0\0\0TFL3" + bytes(60)])
def test_what_is_no_model_is_an_error_of_65(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as error:
        Subject(path)
    assert error.value.exit_code == 65


def test_a_missing_file_is_an_error_of_74(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        Subject(tmp_path / "none.tflite")
    assert error.value.exit_code == 74
