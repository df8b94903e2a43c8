"""The network that is right, in float, from trained weights."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.backend import tf
from convert.layout import HEADS, STRIDES, VALUES, head_name
from convert.network import build_network
from convert.quantize import make_spec
from convert.weights import Weights
from edge_retinaface.data import F32
from edge_retinaface.spec import ANCHORS_PER_CELL


class Rows(NamedTuple):
    """Raw outputs, one row an anchor: levels from fine to coarse, then cell rows, cell columns, anchor sizes."""

    boxes: F32  # (n, 4)
    scores: F32  # (n, 1) logit differences
    landmarks: F32  # (n, 10)


class Reference:
    """Trained weights as a float network of one input size."""

    def __init__(self, weights: Weights, input_hw: tuple[int, int]) -> None:
        self.weights = weights
        self.spec = make_spec(weights, input_hw)
        network = build_network(weights, input_hw)
        self._run = tf.function(lambda picture: network(picture, training=False))
        self.level_rows = tuple(int(np.prod(self.spec.level_hw(stride))) * ANCHORS_PER_CELL for stride in STRIDES)

    @property
    def mean(self) -> F32:
        """What the network wants subtracted, (3,) BGR, which is the order it takes pictures in."""
        return np.array(self.spec.mean, np.float32)

    def rows(self, real: NDArray[Any]) -> Rows:
        """Raw outputs for a network input (H, W, 3): pixel - mean, BGR, if all is right."""
        heads = {name: np.asarray(value) for name, value in self._run(real[None].astype(np.float32)).items()}
        if set(heads) != set(HEADS):
            raise AssertionError(f"wanted {HEADS}, found {sorted(heads)}")
        columns = [
            np.concatenate([heads[head_name(kind, stride)].reshape(-1, values) for stride in STRIDES])
            for kind, values in VALUES.items()
        ]
        return Rows(*columns)
