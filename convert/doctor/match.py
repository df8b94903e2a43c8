"""The one hypothesis about input and order under which the model says what the right network would say."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from convert.doctor.arrangement import Columns
from convert.doctor.mistakes import HEALTHY, InputMistake
from convert.doctor.reference import Rows
from convert.doctor.standard import FACE, Standard, probabilities
from convert.doctor.variants import BOX_COLUMNS, LANDMARK_COLUMNS
from edge_retinaface.data import F32

FAR_ENOUGH = 0.6  # of the way from what the right network says to what it says under a mistake; noise alone goes to 0.4
NO_BETTER = 0.8  # another order must explain so much more: its error below this share of the right order's …
NO_NEARER = 0.02  # … and this much below
SMALLEST = 1e-6
ROWS = 4000  # of all probes together are enough to compare


class Match(NamedTuple):
    """How well one hypothesis fits. `error` is root mean square over the spread of the right network's values."""

    mistake: InputMistake
    order: str  # of anchors and columns, empty if right
    error: float
    rows: Rows  # what the right network says under the mistake
    columns: Columns  # what the model says, put right

    @property
    def right(self) -> bool:
        """Whether it supposes no mistake."""
        return self.mistake.name == HEALTHY and not self.order


def best_match(standard: Standard, orders: dict[str, Columns], allowed: set[str]) -> tuple[Match, Match]:
    """The best hypothesis, and the one without any mistake; `allowed` are details of input mistakes to think of."""
    matches = [
        Match(mistake, order, _distance(columns, rows, standard), rows, columns)
        for order, columns in orders.items()
        for mistake, rows in standard.said
        if mistake.detail in allowed
    ]
    usual = [one for one in matches if not one.order]
    best, best_usual = (min(several, key=lambda one: one.error) for several in (matches, usual))
    if best.order and best.error > NO_BETTER * best_usual.error - NO_NEARER:
        best = best_usual
    if best.mistake.name != HEALTHY and _way(best, standard.right) < FAR_ENOUGH:
        best = next(one for one in matches if one.mistake.name == HEALTHY and one.order == best.order)
    return _with_columns(best, standard), usual[0]


def face_error(match: Match) -> float:
    """As `Match.error`, on the anchors that see a face alone; 0 if there are none."""
    seen = probabilities(match.rows.scores[:, 0]) >= FACE
    if not seen.any():
        return 0.0
    errors = [
        _error(found[seen], wanted[seen], _spread(wanted[seen]))
        for found, wanted in ((match.columns.boxes, match.rows.boxes), (match.columns.landmarks, match.rows.landmarks))
    ]
    return sum(errors) / len(errors)


def _distance(columns: Columns, rows: Rows, standard: Standard) -> float:
    right, every = standard.right, slice(None, None, max(1, len(rows.boxes) // ROWS))
    boxes = _error(columns.boxes[every], rows.boxes[every], _spread(right.boxes))
    landmarks = _error(columns.landmarks[every], rows.landmarks[every], _spread(right.landmarks))
    return (boxes + landmarks) / 2


def _with_columns(match: Match, standard: Standard) -> Match:
    """The match with boxes' and landmarks' columns put right, if that is needed."""
    spread = _spread(standard.right.boxes), _spread(standard.right.landmarks)
    boxes = _best_columns(match.columns.boxes, match.rows.boxes, BOX_COLUMNS, spread[0])
    points = _best_columns(match.columns.landmarks, match.rows.landmarks, LANDMARK_COLUMNS, spread[1])
    if not (boxes or points):
        return match
    columns = Columns(
        match.columns.boxes[:, BOX_COLUMNS[boxes]],
        match.columns.scores,
        match.columns.landmarks[:, LANDMARK_COLUMNS[points]],
    )
    order = ", ".join(filter(None, (match.order, boxes, points)))
    return match._replace(order=order, columns=columns, error=_distance(columns, match.rows, standard))


def _way(match: Match, right: Rows) -> float:
    """How far the model is from what is right, in the direction of the mistake: 0 right, 1 all the way.

    Quantization noise knows no direction, so it hardly matters here, however large.
    """
    along = across = 0.0
    for found, wanted, mistaken in (
        (match.columns.boxes, right.boxes, match.rows.boxes),
        (match.columns.landmarks, right.landmarks, match.rows.landmarks),
    ):
        step = (mistaken - wanted) / _spread(wanted)
        along += float(((found - wanted) / _spread(wanted) * step).sum())
        across += float((step * step).sum())
    return along / max(across, SMALLEST)


def _best_columns(found: F32, wanted: F32, orders: Mapping[str, tuple[int, ...]], spread: F32) -> str:
    errors = {detail: _error(found[:, order], wanted, spread) for detail, order in orders.items()}
    best = min(errors, key=lambda detail: errors[detail])
    return best if errors[best] < NO_BETTER * errors[""] - NO_NEARER else ""


def _spread(values: F32) -> F32:
    return np.asarray(np.maximum(values.std(axis=0), SMALLEST), np.float32)


def _error(found: F32, wanted: F32, spread: F32) -> float:
    return float(np.sqrt((((found - wanted) / spread) ** 2).mean()))
