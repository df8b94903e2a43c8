"""How close one detector is to another: face by face, and in average precision."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.evaluation.bootstrap import Estimate, estimate, ratio
from convert.evaluation.boxes import OPERATING_SCORE, box_sizes, greedy_pairs, iou_matrix
from convert.evaluation.dataset import F64, Dataset
from convert.evaluation.evaluation import Protocol, protocols, rankings
from convert.evaluation.prediction import Predictions, Subject
from edge_retinaface.data import Detections


class Agreement(msgspec.Struct, frozen=True):
    """Detections of a candidate beside a reference's, those with a score of at least the operating point.

    A pair is one to one, largest IoU first, IoU at least 0.5. `score_difference`, `iou` and `landmark_nme` are means
    over pairs; the last is the mean distance of the five points over √(width · height) of the reference's box.
    """

    reference: int  # detections
    candidate: int
    matched: int
    matched_share: Estimate  # of the reference's
    extra: Estimate  # the candidate's without a partner
    score_difference: Estimate  # absolute
    iou: Estimate
    landmark_nme: Estimate


class Comparison(msgspec.Struct, frozen=True):
    """Candidate against reference on one data set."""

    reference: str
    candidate: str
    min_score: float  # of the reference's detections in `agreement`
    candidate_min_score: float
    agreement: Agreement
    ap_difference: dict[str, dict[str, Estimate]]  # by protocol, then by setting; candidate minus reference


def compare(
    reference: Subject,
    candidate: Subject,
    data: Dataset,
    predictions: tuple[Predictions, Predictions],
    min_score: float = OPERATING_SCORE,
    candidate_min_score: float | None = None,
) -> Comparison:
    """`predictions` are the reference's and the candidate's, whose operating point is the same unless given."""
    other_score = min_score if candidate_min_score is None else candidate_min_score
    return Comparison(
        reference.name,
        candidate.name,
        min_score,
        other_score,
        agree(*predictions, min_score, other_score),
        ap_differences(data, *predictions, protocols(data)),
    )


def agree(reference: Predictions, candidate: Predictions, min_score: float, candidate_min_score: float) -> Agreement:
    """Face by face; needs no annotations."""
    pairs = zip(reference, candidate, strict=True)
    rows = np.array([_sums(_cut(one, min_score), _cut(other, candidate_min_score)) for one, other in pairs])
    wanted, given, matched, score_difference, iou, nme = rows.reshape(-1, 6).T
    pictures = len(rows)
    return Agreement(
        int(wanted.sum()),
        int(given.sum()),
        int(matched.sum()),
        matched_share=ratio(pictures, matched, wanted),
        extra=estimate(pictures, lambda times: float(times @ (given - matched))),
        score_difference=ratio(pictures, score_difference, matched),
        iou=ratio(pictures, iou, matched),
        landmark_nme=ratio(pictures, nme, matched),
    )


def ap_differences(
    data: Dataset, reference: Predictions, candidate: Predictions, by: Sequence[Protocol]
) -> dict[str, dict[str, Estimate]]:
    """Average precision, candidate minus reference; both resampled alike, so the spread is that of the difference."""
    differences: dict[str, dict[str, Estimate]] = {}
    for protocol in by:
        ours, theirs = rankings(data, candidate, protocol), rankings(data, reference, protocol)
        differences[protocol] = {
            setting: estimate(
                len(data.pictures), _difference(ours[setting].average_precision, theirs[setting].average_precision)
            )
            for setting in data.settings
        }
    return differences


def _difference(
    ours: Callable[[NDArray[np.intp]], float], theirs: Callable[[NDArray[np.intp]], float]
) -> Callable[[NDArray[np.intp]], float]:
    return lambda times: ours(times) - theirs(times)


def _cut(detections: Detections, min_score: float) -> Detections:
    keep = detections.scores >= min_score
    return Detections(detections.boxes[keep], detections.scores[keep], detections.landmarks[keep])


def _sums(reference: Detections, candidate: Detections) -> tuple[float, float, float, float, float, float]:
    """Of one picture: reference's, candidate's and matched detections, and over the pairs |score|, IoU and NME."""
    ours, theirs = reference.boxes.astype(np.float64), candidate.boxes.astype(np.float64)
    one, other = greedy_pairs(ours, theirs)
    score = np.abs(reference.scores[one].astype(np.float64) - candidate.scores[other])
    iou: F64 = iou_matrix(ours, theirs)[one, other]
    distance = np.linalg.norm(reference.landmarks[one].astype(np.float64) - candidate.landmarks[other], axis=2).mean(
        axis=1
    )
    nme = distance / box_sizes(ours[one])
    return len(ours), len(theirs), len(one), score.sum(), iou.sum(), nme.sum()
