"""The examination: one model, one reference, every hypothesis."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convert.doctor.anchors import check_anchors
from convert.doctor.arrangement import Arrangement, Columns, arrange, gather
from convert.doctor.claims import check_input_size, check_labels
from convert.doctor.faces import count_faces
from convert.doctor.feeding import Feed, feeds, plausible
from convert.doctor.finding import Diagnosis, Finding
from convert.doctor.match import Match, best_match, face_error
from convert.doctor.mistakes import HEALTHY
from convert.doctor.probes import make_probes
from convert.doctor.reference import Reference
from convert.doctor.scores import check_scores
from convert.doctor.standard import Standard, fitted
from convert.doctor.subject import Subject
from convert.doctor.variants import reordered
from convert.weights import Weights
from edge_retinaface.data import U8
from edge_retinaface.errors import ImageError
from edge_retinaface.spec import ModelSpec, ScoreMeaning

FOLLOWS = 0.8  # error up to which outputs are the reference's at all; of other weights they have 1 and more
NOISY = 0.5  # error from which on quantization has cost much: 0.35 equalized, 0.6 naive
AS_GOOD = 1.25  # times the best error
STRETCHED, FITTED = "stretched", "letterboxed"


class Trial(NamedTuple):
    """The best hypothesis for one way to feed the model and one to fit its picture to the network."""

    feed: Feed
    fit: str  # STRETCHED or FITTED by a graph that resizes, else empty
    standard: Standard
    best: Match
    plain: Match


class Doctor:
    """Trained weights to compare with, and pictures to show; what the right network said is kept between models."""

    def __init__(self, weights: Weights, pictures: Path | None = None) -> None:
        self._weights = weights
        self._pictures = pictures
        self._shown: dict[tuple[int, int], tuple[U8, ...]] = {}
        self._references: dict[tuple[int, int], Reference] = {}
        self._standards: dict[tuple[tuple[int, int], tuple[int, int], str], Standard] = {}

    def examine(self, path: Path) -> Diagnosis:
        """What is wrong with the model at `path`; ModelError if it is no RetinaFace."""
        subject = Subject(path)
        arrangement = arrange(subject.outputs, subject.input.hw, str(path))
        trials = list(self._trials(subject, arrangement))
        if not trials:
            return Diagnosis((Finding("not_finite", "it puts out infinity or NaN on the probes"),), ())
        trial = _best(trials)
        if trial.best.error > FOLLOWS:
            return _judge_stranger(subject, trial)
        labels = list(check_labels(subject, arrangement))
        findings = [*_about_input(trial), *check_input_size(subject), *labels, *_about_order(trial)]
        meaning = _claimed_meaning(subject)
        findings += check_scores(trial.best.columns.scores, trial.best.rows.scores, meaning)
        if subject.card:
            findings += check_anchors(trial.standard, subject.card.spec)
        return Diagnosis(tuple(findings), tuple(_notes(trial)))

    def _trials(self, subject: Subject, arrangement: Arrangement) -> Iterator[Trial]:
        net_hw, input_hw = arrangement.net_hw, subject.input.hw
        same_shape = net_hw[0] * input_hw[1] == net_hw[1] * input_hw[0]
        fits = [""] if net_hw == input_hw else [FITTED] if same_shape else [STRETCHED, FITTED]
        concatenated = any(part.level is None for part in arrangement.parts)
        probes = self._probes(input_hw, net_hw)
        for feed in feeds(subject, self._weights.family):
            said = [gather(arrangement, subject.run(feed.fill(probe))) for probe in probes]
            if not all(np.isfinite(values).all() for columns in said for values in columns):
                continue
            orders: dict[str, list[Columns]] = {}
            for columns in said:
                for detail, put_right in reordered(columns, net_hw, concatenated=concatenated).items():
                    orders.setdefault(detail, []).append(put_right)
            joined = {detail: _join(several) for detail, several in orders.items()}
            for fit in fits:
                standard = self._standard(input_hw, net_hw, fit)
                yield Trial(feed, fit, standard, *best_match(standard, joined, plausible(subject)))

    def _reference(self, net_hw: tuple[int, int]) -> Reference:
        if net_hw not in self._references:
            self._references[net_hw] = Reference(self._weights, net_hw)
        return self._references[net_hw]

    def _probes(self, input_hw: tuple[int, int], net_hw: tuple[int, int]) -> tuple[U8, ...]:
        if input_hw not in self._shown:
            spec = self._reference(net_hw).spec
            spec = ModelSpec(input_hw, order=spec.order, mean=spec.mean)
            self._shown[input_hw] = make_probes(spec, self._pictures)
        return self._shown[input_hw]

    def _standard(self, input_hw: tuple[int, int], net_hw: tuple[int, int], fit: str) -> Standard:
        key = (input_hw, net_hw, fit)
        if key not in self._standards:
            probes, reference = self._probes(input_hw, net_hw), self._reference(net_hw)
            if fit:
                probes = fitted(reference, probes, keep_aspect=fit == FITTED)
            self._standards[key] = Standard(reference, probes)
            if not self._standards[key].faces:
                raise ImageError(f"{self._pictures}: wanted pictures in which the reference sees a face, found none")
        return self._standards[key]


def _best(trials: list[Trial]) -> Trial:
    """The trial that fits best; of those that fit about as well, one that supposes no mistake."""
    best = min(trials, key=lambda one: one.best.error)
    sound = [one for one in trials if one.best.right and one.fit != STRETCHED]
    good = min(sound, key=lambda one: one.best.error, default=best)
    return good if good.best.error <= AS_GOOD * best.best.error else best


def _about_input(trial: Trial) -> Iterator[Finding]:
    best, plain = trial.best, trial.plain
    explained = f"fed {trial.feed.detail}, the outputs miss the right network's by {plain.error:.0%} of their spread"
    if trial.fit == STRETCHED:
        rows, columns = trial.standard.reference.spec.input_hw
        yield Finding("stretched", f"the graph stretches its picture to {rows}x{columns}; so fed, the right network's "
                      f"outputs are missed by {best.error:.0%} of their spread")  # fmt: skip
    if best.mistake.name != HEALTHY:
        yield Finding(best.mistake.name, f"{explained}; by {best.error:.0%} if what it sees is {best.mistake.detail}")


def _about_order(trial: Trial) -> Iterator[Finding]:
    if trial.best.order:
        yield Finding(
            "outputs_mislabelled",
            f"the outputs miss the right network's by {trial.plain.error:.0%} of their spread, "
            f"by {trial.best.error:.0%} if read with {trial.best.order}",
        )


def _notes(trial: Trial) -> Iterator[str]:
    yield (
        f"fed {trial.feed.detail}; on {trial.standard.faces} anchors that see a face, boxes and landmarks miss the "
        f"reference's by {face_error(trial.best):.1%} of their spread"
    )
    if trial.best.error > NOISY:
        yield "quantization has cost much: see convert report"
    if trial.fit == FITTED:
        rows, columns = trial.standard.reference.spec.input_hw
        yield f"the graph resizes its picture to {rows}x{columns}, aspect kept"


def _judge_stranger(subject: Subject, trial: Trial) -> Diagnosis:
    """A model that follows the reference under no hypothesis."""
    spec = subject.card.spec if subject.card else trial.standard.reference.spec
    found = count_faces(trial.standard, trial.plain.columns, spec, _claimed_meaning(subject))
    told = f"finds {found.again} of the reference's {found.faces} faces and {found.extra} others"
    if found.good:
        note = (
            f"not the reference's weights, so only judged by faces: {told}; for more, name its weights by --reference"
        )
        return Diagnosis((), (note,))
    evidence = (
        f"no known mistake makes its outputs the reference's (nearest: {trial.best.mistake.name}, "
        f"{trial.best.error:.0%} of their spread), and it {told}"
    )
    return Diagnosis((Finding("unexplained", evidence),), ())


def _claimed_meaning(subject: Subject) -> ScoreMeaning | None:
    if subject.card is None:
        return None
    return next((one.meaning for one in subject.card.outputs if one.kind == "scores"), None)


def _join(several: list[Columns]) -> Columns:
    return Columns(*(np.concatenate(kind) for kind in zip(*several, strict=True)))
