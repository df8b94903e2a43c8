"""Small pictures and detections that the tests of the evaluation share."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from convert.evaluation.dataset import ALL, Dataset, Picture
from edge_retinaface.data import Detections

Row = tuple[float, float, float, float, float]  # x1 y1 x2 y2 score
Case = tuple[list[Picture], list[Detections]]


def points(boxes: np.ndarray) -> np.ndarray:
    """The four corners and the middle of each box, (n, 5, 2)."""
    x1, y1, x2, y2 = np.asarray(boxes, np.float64).reshape(-1, 4).T
    return np.stack([[x1, y1], [x2, y1], [(x1 + x2) / 2, (y1 + y2) / 2], [x1, y2], [x2, y2]]).transpose(2, 0, 1)


def detections(*rows: Row) -> Detections:
    array = np.array(rows, np.float32).reshape(-1, 5)
    array = array[np.argsort(-array[:, 4], kind="stable")]
    return Detections(array[:, :4].copy(), array[:, 4].copy(), points(array[:, :4]).astype(np.float32))


def picture(
    *boxes: tuple[float, float, float, float], counted: list[bool] | None = None, points5: bool = False
) -> Picture:
    array = np.array(boxes, np.float64).reshape(-1, 4)
    counts = np.ones(len(array), np.bool_) if counted is None else np.array(counted, np.bool_)
    return Picture(Path("picture.png"), "picture.png", array, {ALL: counts}, points(array) if points5 else None)


def dataset(*pictures: Picture) -> Dataset:
    return Dataset("json", Path("annotations.json"), tuple(pictures), 0)


_FACE = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(0, 9)] * 2, st.integers(0, 3))
_ANYWHERE = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 9)] * 2)
_NUDGE = st.tuples(*[st.integers(-1, 1)] * 4)
_SCORE = st.integers(1, 16)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A few pictures with ignored, empty and overlapping faces; detections near them and elsewhere, of equal scores."""
    pictures, predictions = [], []
    for _ in range(draw(st.integers(1, 4))):
        faces = draw(st.lists(_FACE, max_size=5))
        boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in faces]
        pictures.append(picture(*boxes, counted=[face[4] > 0 for face in faces]))
        rows = [(x, y, x + w, y + h, draw(_SCORE) / 16) for x, y, w, h in draw(st.lists(_ANYWHERE, max_size=3))]
        for x1, y1, x2, y2 in boxes:
            for left, top, right, bottom in draw(st.lists(_NUDGE, max_size=2)):
                x, y = x1 + left, y1 + top
                rows.append((x, y, max(x2 + right, x + 1), max(y2 + bottom, y + 1), draw(_SCORE) / 16))
        predictions.append(detections(*rows))
    return pictures, predictions
