"""The figures of one detector on one data set."""

from typing import Any, Literal

import msgspec

from convert.evaluation.bootstrap import Estimate, estimate
from convert.evaluation.dataset import Dataset, Present
from convert.evaluation.landmarks import LandmarkError, landmark_error
from convert.evaluation.prediction import Predictions, Subject
from convert.evaluation.ranking import Curve, Ranking, plain_ranking, wider_ranking
from convert.evaluation.recall import SizeRecall, size_recall

Protocol = Literal["wider", "plain"]
RANKINGS = {"wider": wider_ranking, "plain": plain_ranking}


class Precision(msgspec.Struct, frozen=True):
    """Average precision of one setting."""

    ap: Estimate
    faces: int  # that count
    curve: Curve  # thinned for drawing; `ap` is of the full one


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured; what is None or empty the annotations could not tell."""

    schema: int = 1
    subject: str
    identity: dict[str, Any]
    kind: str
    source: str
    pictures: int
    absent: int  # annotated pictures that are not there
    faces: int
    remark: str  # what a reader of the figures must know
    events: dict[str, Present]
    labels: dict[str, int]
    detections: int
    precision: dict[Protocol, dict[str, Precision]]  # by protocol, then by setting; the data set's own protocol first
    recall_by_size: tuple[SizeRecall, ...]
    landmarks: LandmarkError | None


def evaluate(subject: Subject, data: Dataset, predictions: Predictions) -> Evaluation:
    """Figures of `predictions`, which are the subject's and in the order of the data set's pictures."""
    return Evaluation(
        subject=subject.name,
        identity=subject.identity,
        kind=data.kind,
        source=str(data.source),
        pictures=len(data.pictures),
        absent=data.absent,
        faces=sum(len(picture.boxes) for picture in data.pictures),
        remark=data.remark,
        events=data.events,
        labels=data.labels,
        detections=sum(map(len, predictions)),
        precision={
            protocol: {
                setting: _precision(ranking) for setting, ranking in rankings(data, predictions, protocol).items()
            }
            for protocol in protocols(data)
        },
        recall_by_size=size_recall(data, predictions),
        landmarks=landmark_error(data, predictions),
    )


def protocols(data: Dataset) -> tuple[Protocol, ...]:
    """The protocols a data set is scored by, its own first."""
    return ("wider", "plain") if data.kind == "wider" else ("plain",)


def rankings(data: Dataset, predictions: Predictions, protocol: Protocol) -> dict[str, Ranking]:
    """One ranking a setting."""
    return {setting: RANKINGS[protocol](data.pictures, predictions, setting) for setting in data.settings}


def _precision(ranking: Ranking) -> Precision:
    return Precision(
        estimate(len(ranking.faces), ranking.average_precision), int(ranking.faces.sum()), ranking.curve().thinned()
    )
