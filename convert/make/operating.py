"""Where a model's scores must be cut so that it reports as much as the float network does."""

from collections.abc import Iterable

import numpy as np

from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.comparison import Agreement
from convert.evaluation.dataset import F64
from convert.evaluation.prediction import Predictions

LEAST_FACES = 30  # below it neither a threshold nor an error says anything
DIGITS = 4
DEVIATIONS = 2  # standard deviations below which a difference says little


def operating_score(reference: Predictions, candidate: Predictions) -> float | None:
    """The candidate's score at which it reports as many faces as the reference does at OPERATING_SCORE.

    Of all places where its list of detections, best first over all pictures, can be cut (not between equal scores: int8
    has many), the one whose number is nearest to the reference's. OPERATING_SCORE itself if it lies between the scores
    on both sides, else halfway between them in logits. None with fewer than LEAST_FACES, or where the candidate never
    reports half as many.
    """
    wanted = int((_scores(reference) >= OPERATING_SCORE).sum())
    scores = _scores(candidate)
    levels, counts = np.unique(-scores, return_counts=True)
    kept = np.cumsum(counts)  # detections at each level and above
    if wanted < LEAST_FACES or not len(kept) or kept[-1] < wanted / 2:
        return None
    place = int(np.abs(kept - wanted).argmin())
    around = np.clip(-levels[place : place + 2], 1e-6, 1 - 1e-6)
    if len(around) == 1 or around[1] < OPERATING_SCORE <= around[0]:
        return OPERATING_SCORE if around[0] >= OPERATING_SCORE else round(float(around[0]), DIGITS)
    logit = np.log(around / (1 - around)).mean()
    return round(float(1 / (1 + np.exp(-logit))), DIGITS)


def has_moved(at_same_score: Agreement) -> bool:
    """Whether the two report different numbers of faces at OPERATING_SCORE, by more than chance (McNemar's test).

    Of the faces that only one of them reports, each is as likely to be the one's as the other's, unless scores moved.
    """
    lost = at_same_score.reference - at_same_score.matched
    extra = at_same_score.candidate - at_same_score.matched
    return (extra - lost) ** 2 > DEVIATIONS**2 * (extra + lost)


def count_faces(predictions: Predictions) -> int:
    """Detections at the operating point."""
    return int((_scores(predictions) >= OPERATING_SCORE).sum())


def _scores(predictions: Predictions) -> F64:
    return np.concatenate([np.empty(0), *_each(predictions)])


def _each(predictions: Predictions) -> Iterable[F64]:
    return (one.scores.astype(np.float64) for one in predictions)
