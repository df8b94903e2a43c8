"""Which family weights were trained in, measured: names and shapes cannot tell two trainings of one network apart.

Two neighbouring cells that see the same face must point at the same places, and they point in units of their anchor's
size. So the difference of what they say, against the distance between them, measures that size.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.backend import tf
from convert.families import Family
from convert.layout import STRIDES, VALUES, head_name
from convert.network import build_network
from convert.sample_pictures import sample_scenes
from convert.weights import Weights
from edge_retinaface.data import F32, U8
from edge_retinaface.errors import ModelError
from edge_retinaface.spec import ANCHORS_PER_CELL, ModelSpec

INPUT_HW = (480, 640)
SCENES = 16
LEAST_LOGIT = 1.0  # of both cells of a pair: sure of a face
LEAST_PAIRS = 200  # of coordinates, for a size to count as measured
CLOSE = 0.98  # of the best one's confidence: too near to be sure (the wrong channel order costs about 5 %)
TOLERANCE = 1.25  # between a measured size and a family's: real ones agree to 3 %, the nearest wrong family is 1.6 off

Size = tuple[int, int]  # stride, which anchor of the cell


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a network said about the sample scenes."""

    sizes: Mapping[Size, float]  # measured anchor sizes, pixels
    confidence: float  # sum of all positive logits

    def agrees(self, family: Family) -> bool:
        """Whether all measured sizes are the family's."""
        return all(
            max(size / _size(family, one), _size(family, one) / size) < TOLERANCE for one, size in self.sizes.items()
        )


def recognize(candidates: Iterable[Weights], what: str) -> tuple[Weights, str]:
    """The weights as the family that explains what they do, and a note for the user ("" if all is well).

    ModelError if they find faces, but with anchors that no candidate has.
    """
    candidates = list(candidates)
    scenes = list(sample_scenes(INPUT_HW, SCENES))
    evidence = [measure(weights, scenes) for weights in candidates]
    if not any(one.sizes for one in evidence):
        name = candidates[0].family.name
        return candidates[0], f"{what}: no faces found in the sample scenes; family {name} taken on trust"
    good = [pair for pair in zip(evidence, candidates, strict=True) if pair[0].sizes and pair[0].agrees(pair[1].family)]
    if not good:
        best = max(evidence, key=lambda one: one.confidence)
        wanted = " or ".join(weights.family.name for weights in candidates)
        found = ", ".join(f"{size:.0f} (stride {one[0]})" for one, size in sorted(best.sizes.items()))
        raise ModelError(f"{what}: wanted the anchors of {wanted}, found anchors of about {found} pixels")
    good.sort(key=lambda pair: -pair[0].confidence)
    (first, weights), *others = good
    if others and others[0][0].confidence > CLOSE * first.confidence:
        rival = others[0][1].family.name
        return weights, f"{what}: family {weights.family.name} and {rival} explain the faces found almost equally well"
    return weights, ""


def measure(weights: Weights, scenes: Iterable[U8]) -> Evidence:
    """Anchor sizes and confidence on BGR scenes of INPUT_HW."""
    network = tf.function(build_network(weights, INPUT_HW))
    mean = np.array(weights.family.mean, np.float32)
    steps: defaultdict[Size, list[F32]] = defaultdict(list)
    confidence = 0.0
    for scene in scenes:
        outputs = {name: np.asarray(value)[0] for name, value in network((scene - mean)[None]).items()}
        for stride in STRIDES:
            scores, boxes, points = (outputs[head_name(kind, stride)] for kind in ("scores", "boxes", "landmarks"))
            confidence += float(np.maximum(scores, 0).sum())
            for anchor in range(ANCHORS_PER_CELL):
                centres = boxes.reshape(*scores.shape, VALUES["boxes"])[:, :, anchor, None, :2]
                landmarks = points.reshape(*scores.shape, -1, 2)[:, :, anchor]
                said = np.concatenate([centres, landmarks], axis=2)
                steps[stride, anchor].append(_steps(scores[..., anchor] > LEAST_LOGIT, said))
    variance = ModelSpec(INPUT_HW).variances[0]
    sizes = {}
    for (stride, anchor), parts in steps.items():
        measured = np.concatenate(parts)
        if len(measured) >= LEAST_PAIRS:
            sizes[stride, anchor] = float(stride / (np.median(measured) * variance))
    return Evidence(sizes, confidence)


def _steps(sure: NDArray[np.bool_], said: F32) -> F32:
    """By how much sure neighbours' offsets differ along the line between them, anchor sizes per `variance`."""
    across = (said[:, :-1] - said[:, 1:])[sure[:, :-1] & sure[:, 1:]][..., 0]
    down = (said[:-1] - said[1:])[sure[:-1] & sure[1:]][..., 1]
    return np.concatenate([across.ravel(), down.ravel()])


def _size(family: Family, one: Size) -> int:
    stride, anchor = one
    return family.anchor_sizes[STRIDES.index(stride)][anchor]
