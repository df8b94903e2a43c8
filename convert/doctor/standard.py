"""What the right network says about the probes, fed rightly and wrongly."""

import functools

import cv2
import numpy as np

from convert.doctor.mistakes import INPUT_MISTAKES, InputMistake
from convert.doctor.reference import Reference, Rows
from edge_retinaface.data import F32, U8
from edge_retinaface.preprocess import letterbox

FACE = 0.5  # probability from which on a row speaks of a face


class Standard:
    """A reference and the probes it has seen, all of the reference's size; what it said is kept."""

    def __init__(self, reference: Reference, probes: tuple[U8, ...]) -> None:
        self.reference = reference
        self.probes = probes  # uint8 (H, W, 3), BGR, letterboxed

    @functools.cached_property
    def said(self) -> tuple[tuple[InputMistake, Rows], ...]:
        """For every input mistake, rightness first, the rows of all probes one after the other."""
        return tuple((mistake, self._rows(mistake)) for mistake in INPUT_MISTAKES)

    @property
    def right(self) -> Rows:
        """The rows of all probes, fed rightly."""
        return self.said[0][1]

    @functools.cached_property
    def faces(self) -> int:
        """Rows that speak of a face."""
        return int((probabilities(self.right.scores) >= FACE).sum())

    def _rows(self, mistake: InputMistake) -> Rows:
        mean = self.reference.mean
        said = [self.reference.rows(mistake.make(probe.astype(np.float32), mean)) for probe in self.probes]
        return Rows(*(np.concatenate(kind) for kind in zip(*said, strict=True)))


def fitted(reference: Reference, probes: tuple[U8, ...], *, keep_aspect: bool) -> tuple[U8, ...]:
    """Probes of another size brought to the reference's: letterboxed, or stretched."""
    height, width = reference.spec.input_hw
    made = []
    for probe in probes:
        if keep_aspect:
            out = np.empty((height, width, 3), np.uint8)
            letterbox(probe, reference.spec.order, reference.spec, out)
        else:
            out = np.asarray(cv2.resize(probe, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
        made.append(out)
    return tuple(made)


def probabilities(logits: F32) -> F32:
    """The sigmoid, for logits of any size."""
    return (1 / (1 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)
