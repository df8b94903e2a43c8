"""How the values of every activation tensor are spread over the calibration pictures."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.calibrate import Pictures
from convert.graph import Graph, run
from convert.layout import HEADS, VALUES
from edge_retinaface.data import F32

BINS = 2048
LEAST_LOGIT = -5.0  # a score of 0.007: what is below is no face at any threshold, and need not be told apart


class Spread(NamedTuple):
    """A histogram of one tensor's values."""

    low: float
    high: float
    counts: NDArray[np.float64]  # (BINS,), evenly from low to high

    @property
    def centres(self) -> NDArray[np.float64]:
        """The value in the middle of each bin."""
        return self.low + (np.arange(BINS) + 0.5) * (self.high - self.low) / BINS


def observe(graph: Graph, pictures: Pictures) -> dict[int, Spread]:
    """A spread for every operator's output in a float32 graph, by tensor number.

    Of the heads only what can become a face counts: scores from LEAST_LOGIT, boxes and landmarks of such anchors. A
    picture without any counts whole.
    """
    numbers = {graph.tensors[int(one.outputs[0])].name.decode(): int(one.outputs[0]) for one in graph.operators}
    flatbuffer = graph.pack(numbers.values())
    lows, highs = dict.fromkeys(numbers, np.inf), dict.fromkeys(numbers, -np.inf)
    for values in _values(flatbuffer, pictures, "measuring ranges"):
        for name, some in values.items():
            lows[name], highs[name] = min(lows[name], some.min()), max(highs[name], some.max())
    counts = {name: np.zeros(BINS) for name in numbers}
    for values in _values(flatbuffer, pictures, "counting values"):
        for name, some in values.items():
            steps = (some.reshape(-1) - lows[name]) * (BINS / max(highs[name] - lows[name], 1e-9))
            counts[name] += np.bincount(np.clip(steps.astype(np.int32), 0, BINS - 1), minlength=BINS)
    return {numbers[name]: Spread(float(lows[name]), float(highs[name]), counts[name]) for name in numbers}


def _values(flatbuffer: bytes, pictures: Pictures, what: str) -> Iterator[Mapping[str, F32]]:
    for outputs in run(flatbuffer, pictures.inputs(what)):
        yield {name: _that_matter(name, values, outputs) for name, values in outputs.items()}


def _that_matter(name: str, values: F32, outputs: Mapping[str, F32]) -> F32:
    if name not in HEADS:
        return values
    kind, _, stride = name.partition("_")
    if kind == "scores":
        return np.maximum(values, LEAST_LOGIT)
    rows = outputs[f"scores_{stride}"].reshape(-1) >= LEAST_LOGIT
    per_anchor = next(count for known, count in VALUES.items() if known == kind)
    return values.reshape(len(rows), per_anchor)[rows] if rows.any() else values
