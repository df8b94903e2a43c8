"""The variants, tried one after the other, and the one that is shipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from convert.calibrate import Pictures
from convert.evaluation.dataset import Dataset
from convert.evaluation.prediction import Predictions
from convert.make.judge import Look, Measured, judge, look, open_subject
from convert.make.limits import Limits
from convert.make.operating import LEAST_FACES, count_faces
from convert.make.shown import Shown, measuring_scenes
from convert.make.timing import time_models
from convert.make.truth import Truth, annotated_truth, float_truth
from convert.network import Target
from convert.quantize import make_card, quantize
from convert.tflite import Mode
from convert.weights import Weights
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import write_model
from edge_retinaface.spec import ModelSpec

VARIANTS: dict[Target, tuple[Mode, ...]] = {
    "cpu": ("int8", "mixed", "dynamic_range", "float16"),
    "edgetpu": ("int8",),  # it knows nothing else
}
FLOAT: Mode = "float32"

Quantize = Callable[[Weights, ModelSpec, Mode, Pictures | None, Target], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What is to be made, and from what."""

    weights: Weights
    spec: ModelSpec
    target: Target
    shown: Shown
    data: Dataset | None  # annotated pictures
    quantize: Quantize = quantize
    smaller: Weights | None = None  # what is made instead of `weights`, which are still what it is measured against

    def make(self, mode: Mode, folder: Path, target: Target) -> Path:
        """A model file of this variant, nothing measured yet."""
        pictures = self.shown.calibration
        path = folder / f"{mode}-{target}.tflite"
        weights = self.weights if mode == FLOAT or self.smaller is None else self.smaller
        content = self.quantize(weights, self.spec, mode, pictures, target)
        write_model(path, content, make_card(weights, self.spec, mode, pictures, target))
        return path


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What was tried."""

    truth: Truth
    reference: Measured
    tried: tuple[Measured, ...]
    failed: dict[str, str]  # variants that could not be made, and why
    looks: dict[str, Look]  # by mode, the float network's too
    chosen: Measured | None

    @property
    def detailed(self) -> Measured:
        """The variant that a report is about: what is shipped, or the first that is not."""
        return self.chosen or (self.tried or (self.reference,))[0]


def search(job: Job, modes: Sequence[Mode], limits: Limits, folder: Path) -> Outcome:
    """Make, measure and time each variant in `folder`, and choose the fastest that holds the limits and is alive."""
    float_path = job.make(FLOAT, folder, "cpu")
    truth, found = _truth(job, float_path)
    if limits.given and count_faces(found) < LEAST_FACES:
        raise ModelError(
            f"wanted pictures on which the float network finds at least {LEAST_FACES} faces, to measure on, "
            f"found {count_faces(found)}: {truth.remark}"
        )
    looks: dict[str, Look] = {FLOAT: look(float_path, FLOAT, truth, found)}
    reference = judge(FLOAT, looks[FLOAT], looks[FLOAT], truth)
    failed: dict[str, str] = {}
    for mode in modes:
        if mode == FLOAT:
            continue
        try:
            looks[mode] = look(job.make(mode, folder, job.target), mode, truth)
        except ModelError as error:
            if not limits.given:
                raise
            failed[mode] = str(error)
    tried = [
        reference if mode == FLOAT else judge(mode, looks[FLOAT], looks[mode], truth) for mode in modes if mode in looks
    ]
    reference, *tried = _timed(job, looks, [reference, *tried], truth)
    tried = [msgspec.structs.replace(one, verdict=verdict(one, limits)) for one in tried]
    passing = [one for one in tried if not one.verdict]
    chosen = min(passing, key=lambda one: one.time.ratio if one.time else 0.0, default=None)
    return Outcome(truth, reference, tuple(tried), failed, looks, chosen)


def _truth(job: Job, float_path: Path) -> tuple[Truth, Predictions]:
    """What to measure on, and what the float network finds there."""
    subject = open_subject(float_path, FLOAT)
    if job.data:
        truth = annotated_truth(job.data)
        return truth, truth.predictions(subject, f"measuring {FLOAT}")
    kept_back = job.shown.kept_back
    found = tuple(subject.detect(one) for one in kept_back)
    if count_faces(found) >= LEAST_FACES:
        return float_truth(kept_back, found, f"{job.shown.origin} kept back from calibration"), found
    why = f" (the pictures kept back from calibration show it {count_faces(found)})" if kept_back else ""
    scenes = measuring_scenes(job.spec)
    found = tuple(subject.detect(one) for one in scenes)
    return float_truth(scenes, found, f"built-in scenes{why}"), found


def _timed(job: Job, looks: dict[str, Look], measured: list[Measured], truth: Truth) -> list[Measured]:
    if job.target == "edgetpu":  # what it takes on a processor says nothing about the stick
        return measured
    times = time_models([looks[one.mode].path for one in measured], truth.picture(0))
    return [msgspec.structs.replace(one, time=time) for one, time in zip(measured, times, strict=True)]


def verdict(measured: Measured, limits: Limits) -> str:
    """Why it may not be shipped; "" if it may."""
    if measured.collapse:
        return f"collapsed: {measured.collapse}"
    return limits.broken(measured.ap_drop.value, measured.agreement.landmark_nme.value)
