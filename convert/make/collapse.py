"""Whether a score head still tells faces from the rest.

Asked of each anchor apart: one whose logits reach far takes the whole int8 range of its level for itself, and a step or
two is left to the other, which an average over the level may hide.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from convert.evaluation.dataset import F64, Flags
from convert.evaluation.ranking import Curve
from convert.layout import STRIDES, head_name
from convert.verify import Outputs
from edge_retinaface.spec import ANCHORS_PER_CELL

LEAST_ANCHORS = 10  # of one score channel that float calls a face: with fewer it is not judged
LEAST_SEPARATION = 0.5  # the default weights' int8 channels have .98 and more
LEAST_MATCHED = 0.5  # of float's faces


def separation(positive: Flags, scores: F64) -> float:
    """Average precision of `scores` where `positive` anchors are faces; equal scores come in together."""
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    ranked = scores[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # NaN differs from itself: it stays last
    found = np.cumsum(positive[order])[ends].astype(np.float64)
    return Curve(ranked[ends], found / max(positive.sum(), 1), found / (ends + 1)).average_precision()


def dead_channel(floats: Sequence[Outputs], said: Sequence[Outputs]) -> str:
    """The score channel that tells faces worst, in words, if it has collapsed; else ""."""
    rows = sorted(_separations(floats, said))
    if rows and rows[0][0] < LEAST_SEPARATION:
        worst, stride, anchor = rows[0]
        return f"scores of stride {stride}, anchor {anchor + 1} of {ANCHORS_PER_CELL}: faces told with AP {worst:.2f}"
    return ""


def _separations(floats: Sequence[Outputs], said: Sequence[Outputs]) -> Iterator[tuple[float, int, int]]:
    for stride in STRIDES:
        name = head_name("scores", stride)
        wanted, found = (
            np.concatenate([one[name].reshape(-1, ANCHORS_PER_CELL).astype(np.float64) for one in outputs])
            for outputs in (floats, said)
        )
        for anchor in range(ANCHORS_PER_CELL):
            positive = wanted[:, anchor] > 0  # a logit difference: score over one half
            if positive.sum() >= LEAST_ANCHORS:
                yield separation(positive, found[:, anchor]), stride, anchor
