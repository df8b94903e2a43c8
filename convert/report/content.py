"""Everything a report says, as numbers."""

from typing import Any

import msgspec
import numpy as np

from convert.evaluation.evaluation import protocols, rankings
from convert.evaluation.ranking import Curve
from convert.make.judge import Measured, sample
from convert.make.limits import Limits
from convert.make.search import FLOAT, Job, Outcome
from convert.report.layers import Layer, compare_layers
from convert.report.pairs import Pairs, pair_faces
from edge_retinaface import model_file
from edge_retinaface.bench import machine
from edge_retinaface.model_file import read_model

LAYER_PICTURES = 8  # every activation of each is held in memory once


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One conversion."""

    schema: int = 1
    model: str  # the card's name
    sha256: str  # of the flatbuffer
    made: str
    converter: str
    weights: model_file.Weights
    family: str
    input_hw: tuple[int, int]
    target: str
    calibration: model_file.Quantization
    measured_on: str
    limits: dict[str, float | None]
    shipped: bool
    verdict: str
    processor: str
    versions: dict[str, str]
    detailed: Measured  # the variant that the rest is about
    reference: Measured  # float32
    tried: tuple[Measured, ...]
    failed: dict[str, str]
    layers: tuple[Layer, ...]
    curves: dict[str, tuple[Curve, Curve]]  # by setting: float32's, the variant's
    faces: Pairs


def gather(job: Job, outcome: Outcome, limits: Limits) -> Content:
    """The numbers of the shipped variant, or of the first that was tried."""
    detailed = outcome.detailed
    reference, candidate = outcome.looks[FLOAT], outcome.looks[detailed.mode]
    ours, theirs = read_model(reference.path), read_model(candidate.path)
    numbers = sample(len(outcome.truth.data.pictures))[:LAYER_PICTURES]
    protocol = protocols(outcome.truth.data)[0]
    curves = [
        {setting: ranking.curve().thinned() for setting, ranking in rankings(outcome.truth.data, one, protocol).items()}
        for one in (reference.predictions, candidate.predictions)
    ]
    return Content(
        model=theirs.card.name,
        sha256=theirs.card.sha256,
        made=theirs.card.created,
        converter=theirs.card.converter,
        weights=theirs.card.weights,
        family=job.weights.family.name,
        input_hw=job.spec.input_hw,
        target=job.target,
        calibration=theirs.card.quantization,
        measured_on=outcome.truth.remark,
        limits={"ap_drop": limits.ap_drop, "landmark_error": limits.landmark_error},
        shipped=outcome.chosen is not None,
        verdict=_verdict(outcome, limits),
        processor=machine.processor(),
        versions=machine.versions(),
        detailed=detailed,
        reference=outcome.reference,
        tried=outcome.tried,
        failed=outcome.failed,
        layers=tuple(compare_layers(ours, theirs, [outcome.truth.picture(one) for one in numbers])),
        curves={setting: (curves[0][setting], curves[1][setting]) for setting in curves[0]},
        faces=pair_faces(reference.predictions, candidate.predictions),
    )


def to_json(content: Content) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(content, enc_hook=_plain_values) + b"\n"


def _verdict(outcome: Outcome, limits: Limits) -> str:
    if outcome.chosen is None:
        several = len(outcome.tried) + len(outcome.failed) > 1
        return "Not shipped: no variant keeps the limits." if several else f"Not shipped: {outcome.detailed.verdict}."
    if not limits.given:
        return "Shipped: its scores are alive. No limits were given."
    others = len(outcome.tried) - 1
    return "Shipped: within the limits." if not others else "Shipped: the fastest variant within the limits."


def _plain_values(value: object) -> Any:  # noqa: ANN401 - whatever JSON knows
    if isinstance(value, np.ndarray):
        return np.round(value, 5).tolist()
    raise NotImplementedError(f"no JSON form of {type(value).__name__}")
