"""One variant beside the float network."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from convert.evaluation.bootstrap import Estimate
from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.comparison import Agreement, agree, ap_differences
from convert.evaluation.dataset import ALL
from convert.evaluation.evaluation import protocols, rankings
from convert.evaluation.prediction import Predictions, Subject, open_model
from convert.make.collapse import LEAST_MATCHED, dead_channel
from convert.make.operating import LEAST_FACES, has_moved, operating_score
from convert.make.timing import Time
from convert.make.truth import Truth
from convert.progress import watch
from convert.verify import Fidelity, Outputs, fidelity, raw_outputs
from edge_retinaface.interpreter import Interpreter
from edge_retinaface.model_file import read_model

SAMPLE = 96  # pictures, evenly over the data, whose raw outputs are compared


class Look(NamedTuple):
    """What a model says."""

    path: Path
    predictions: Predictions
    outputs: tuple[Outputs, ...]  # of the SAMPLE


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's figures."""

    mode: str
    size: int  # bytes
    ap: dict[str, float]  # by setting, in the data's own protocol
    ap_drop: Estimate  # float minus variant, the worst setting
    agreement: Agreement  # float's faces at OPERATING_SCORE, the variant's at `threshold`
    threshold: float | None
    fidelity: tuple[Fidelity, ...]
    collapse: str  # what is wrong with its scores; "" if they are alive
    time: Time | None = None
    verdict: str = ""  # why it is not shipped

    def accuracy(self, reference: "Measured", remark: str) -> dict[str, Any]:
        """What the card keeps: plain values."""
        rounded = {
            "matched": self.agreement.matched_share.value,
            "extra": self.agreement.extra.value,
            "landmark_error": self.agreement.landmark_nme.value,
        }
        for prefix, ap in (("float_ap", reference.ap), ("ap", self.ap)):
            rounded |= {prefix if name == ALL else f"{prefix}_{name}": value for name, value in ap.items()}
        return {"measured_on": remark} | {name: round(value, 4) for name, value in rounded.items() if value is not None}


def open_subject(path: Path, mode: str) -> Subject:
    """The model under its mode's name."""
    subject = open_model(path)
    return Subject(mode, subject.detect, subject.identity)


def look(path: Path, mode: str, truth: Truth, found: Predictions | None = None) -> Look:
    """Everything a model says; `found` are its predictions where they are known."""
    predictions = truth.predictions(open_subject(path, mode), f"measuring {mode}") if found is None else found
    interpreter = Interpreter(read_model(path))
    numbers = sample(len(truth.data.pictures))
    outputs = watch(
        (raw_outputs(interpreter, truth.picture(one)) for one in numbers), f"outputs of {mode}", len(numbers)
    )
    return Look(path, predictions, tuple(outputs))


def sample(pictures: int) -> list[int]:
    """Numbers of the pictures whose raw outputs are compared."""
    return sorted(set(np.linspace(0, pictures - 1, min(pictures, SAMPLE)).round().astype(int).tolist()))


def judge(mode: str, reference: Look, candidate: Look, truth: Truth) -> Measured:
    """The candidate's figures, without its time."""
    protocol = protocols(truth.data)[0]
    drops = ap_differences(truth.data, reference.predictions, candidate.predictions, (protocol,))[protocol]
    worst = min(drops.values(), key=lambda one: one.value if one.value is not None else 0.0)
    both = reference.predictions, candidate.predictions
    threshold, agreement = operating_score(*both), agree(*both, OPERATING_SCORE, OPERATING_SCORE)
    if threshold is not None and has_moved(agreement):
        agreement = agree(*both, OPERATING_SCORE, threshold)
    elif threshold is not None:
        threshold = OPERATING_SCORE
    ranked = rankings(truth.data, candidate.predictions, protocol)
    return Measured(
        mode=mode,
        size=candidate.path.stat().st_size,
        ap={setting: ranking.average_precision() for setting, ranking in ranked.items()},
        ap_drop=Estimate(None if worst.value is None else -worst.value, worst.sd),
        agreement=agreement,
        threshold=threshold,
        fidelity=tuple(fidelity(zip(candidate.outputs, reference.outputs, strict=True))),
        collapse=dead_channel(reference.outputs, candidate.outputs) or _lost(agreement),
    )


def _lost(agreement: Agreement) -> str:
    if agreement.reference >= LEAST_FACES and agreement.matched < LEAST_MATCHED * agreement.reference:
        return f"{agreement.matched} of the float network's {agreement.reference} faces found"
    return ""
