"""On real pictures' annotations: the official ground truth against its copy in JSON."""

from pathlib import Path

import numpy as np
import pytest

from convert.evaluation import Predictions, Subject, evaluate, load_data
from convert.evaluation.dataset import Dataset
from edge_retinaface.data import Detections

DATA = Path(__file__).parent.parent.parent / "shared" / "data"

pytestmark = [
    pytest.mark.evaluation,
    pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data: WIDER FACE pictures may not be shipped"),
]


def noisy(data: Dataset, seed: int = 0) -> Predictions:
    """What a middling detector might say: the faces, moved and scored at random, and some false alarms."""
    random = np.random.default_rng(seed)
    found = []
    for one in data.pictures:
        size = (one.boxes[:, 2:] - one.boxes[:, :2]).max(axis=1)[:, None]
        near = one.boxes + random.normal(0, 0.1, one.boxes.shape) * size
        boxes = np.concatenate([near, near[:3] + 500]).astype(np.float32)
        scores = np.sort(random.integers(1, 64, len(boxes)).astype(np.float32) / 64)[::-1].copy()
        found.append(Detections(boxes, scores, np.zeros((len(boxes), 5, 2), np.float32)))
    return tuple(found)


def exact(data: Dataset) -> Predictions:
    found = []
    for one in data.pictures:
        boxes = one.boxes.astype(np.float32)
        found.append(Detections(boxes, np.ones(len(boxes), np.float32), np.zeros((len(boxes), 5, 2), np.float32)))
    return tuple(found)


def test_the_146_pictures_hold_the_faces_they_are_said_to_hold() -> None:
    data = load_data(DATA / "wider_dev")
    result = evaluate(Subject("exact", lambda _: Detections.none(), {}), data, exact(data))
    assert (result.pictures, result.faces) == (146, 1425)
    assert {setting: one.faces for setting, one in result.precision["wider"].items()} == {
        "easy": 311,
        "medium": 596,
        "hard": 1172,
    }
    assert {event: there.pictures for event, there in result.events.items()} == {
        "0--Parade": 41,
        "13--Interview": 48,
        "19--Couple": 13,
        "20--Family_Group": 27,
        "4--Dancing": 17,
    }
    assert [one.ap.value for one in result.precision["wider"].values()] == [1, 1, 1]
    # one annotated box is 0 by 0: without the toolkit's "+ 1" not even the box itself overlaps it
    assert all(0.99 < (one.ap.value or 0) < 1 for one in result.precision["plain"].values())


def test_json_and_official_ground_truth_give_the_same_plain_average_precision() -> None:
    official, copy = load_data(DATA / "wider_dev"), load_data(DATA / "wider_dev" / "annotations.json")
    by_name = {one.path.name: found for one, found in zip(official.pictures, noisy(official), strict=True)}
    subject = Subject("noisy", lambda _: Detections.none(), {})
    first = evaluate(subject, official, tuple(by_name[one.path.name] for one in official.pictures))
    second = evaluate(subject, copy, tuple(by_name[one.path.name] for one in copy.pictures))
    for setting, precision in first.precision["plain"].items():
        assert precision.ap.value == second.precision["plain"][setting].ap.value
        assert 0.5 < (precision.ap.value or 0) < 1
    assert first.recall_by_size == second.recall_by_size


def test_43_faces_have_five_points_inside_their_boxes() -> None:
    data = load_data(DATA / "landmarks")
    assert sum(len(one.boxes) for one in data.pictures) == 43
    for one in data.pictures:
        assert one.landmarks is not None
        assert (one.landmarks >= one.boxes[:, None, :2] - 10).all()
        assert (one.landmarks[:, 0, 0] < one.landmarks[:, 1, 0]).all()  # the image-left eye is the subject's right one
