"""What the score outputs mean, and whether they are alive."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from convert.doctor.arrangement import CLASSES
from convert.doctor.finding import Finding
from convert.doctor.standard import FACE, probabilities
from convert.observe import LEAST_LOGIT
from edge_retinaface.data import F32
from edge_retinaface.spec import ScoreMeaning

SURE = 0.9  # probability of a face from which on the right network leaves no doubt
ALIVE = 0.8  # the median that a living head gives to those
BACKGROUND = 0.05
BACKGROUNDS_A_FACE = 4  # so many of the other anchors are looked at beside each that sees a face
TOLERANCE = 0.45  # root mean square over spread; beyond it a reading explains nothing
NORMALISED = 0.1  # by so much two probabilities, each in 8 bits, may miss 1


class Meaning(NamedTuple):
    """One thing the values may mean."""

    name: str  # difference, probability, twice
    swapped: bool  # background for face
    write: Callable[[F32], F32]

    def error(self, values: F32, logits: F32) -> float:
        """How far values are from what they would be for true logit differences."""
        if self.name != "difference":
            return _error(values, self.write(-logits if self.swapped else logits))
        # a good int8 file has nothing below: no face is told from none there
        return _error(np.maximum(-values if self.swapped else values, LEAST_LOGIT), np.maximum(logits, LEAST_LOGIT))


def _twice(logits: F32) -> F32:
    return probabilities(2 * probabilities(logits) - 1)


def _sigmoid_again(logits: F32) -> F32:
    return probabilities(probabilities(logits))


def _as_it_is(logits: F32) -> F32:
    return logits


MEANINGS = tuple(
    Meaning(name, swapped, write)
    for name, write in {
        "difference": _as_it_is,
        "probability": probabilities,
        "twice": _twice,
        "sigmoid of a probability": _sigmoid_again,
    }.items()
    for swapped in (False, True)
)


def check_scores(found: F32, wanted: F32, claimed: ScoreMeaning | None) -> Iterator[Finding]:
    """Findings about score values (n, 1 or 2), where (n, 1) logit differences would be right.

    `claimed` is what the card says, None without one.
    """
    logits = wanted[:, 0]
    sure = probabilities(logits) >= SURE
    if not sure.any():  # by another mistake the right network sees no face either
        return
    values, joined = one_column(found)
    rows = _telling_rows(logits)
    errors = {meaning: meaning.error(values[rows], logits[rows]) for meaning in MEANINGS}
    best = min(MEANINGS, key=lambda meaning: errors[meaning])
    seen = f"the score values fit the reading '{_told(best, joined=joined)}' with an error of {errors[best]:.0%}"
    said = _as_probabilities(values, best)
    if errors[best] > TOLERANCE or (best.name in ("difference", "probability") and _median(said[sure]) < ALIVE):
        if claimed:
            said = probabilities(values) if claimed == "logit_difference" else values
        low, high = _median(said[probabilities(logits) < BACKGROUND]), _median(said[sure])
        yield Finding(
            "dead_scores",
            f"where the right network says at least {SURE:.0%}, the score is {high:.0%} in the middle, elsewhere "
            f"{low:.0%}; best reading: {_told(best, joined=joined)}, error {errors[best]:.0%}",
        )
        return
    if best.swapped:
        yield Finding("outputs_mislabelled", f"the column read as face is background: {seen}")
    if best.name == "twice":
        yield Finding("softmax_twice", f"{seen}: it never leaves 27 % to 73 %")
    elif best.name.startswith("sigmoid"):
        yield Finding("softmax_twice", f"{seen}: it never falls below 50 %")
    elif best.name == "probability" and claimed == "logit_difference":
        yield Finding("softmax_twice", f"{seen}, and the card has a sigmoid put behind them")
    elif best.name == "difference" and claimed == "probability":
        yield Finding("softmax_missing", f"{seen}, and the card calls them probabilities")


def one_column(found: F32) -> tuple[F32, bool]:
    """Face probability, or logit difference; and whether two columns were joined to it."""
    if found.shape[1] != CLASSES:
        return found[:, 0], False
    normalised = np.abs(found.sum(axis=1) - 1).max() < NORMALISED and found.min() > -NORMALISED
    return (found[:, 1] if normalised else found[:, 1] - found[:, 0]), not normalised


def _telling_rows(logits: F32) -> F32:
    """Rows that see a face, and some of the others, always the same."""
    faces = np.flatnonzero(probabilities(logits) >= FACE)
    others = np.flatnonzero(probabilities(logits) < FACE)
    step = max(1, len(others) // max(1, BACKGROUNDS_A_FACE * len(faces)))
    return np.concatenate([faces, others[::step]])


def _error(found: F32, wanted: F32) -> float:
    return float(np.sqrt(((found - wanted) ** 2).mean()) / max(float(wanted.std()), 1e-6))


def _as_probabilities(values: F32, meaning: Meaning) -> F32:
    said = probabilities(values) if meaning.name == "difference" else values
    return 1 - said if meaning.swapped else said


def _median(values: F32) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _told(meaning: Meaning, *, joined: bool) -> str:
    told = {"difference": "logit difference", "twice": "softmax of a softmax"}.get(meaning.name, meaning.name)
    told = f"{told} of two columns" if joined else told
    return f"{told}, background first taken for face" if meaning.swapped else told
