"""Whether a run is slower than an older one, or only noisier."""

from typing import NamedTuple

import numpy as np

from edge_retinaface.bench.records import Bench, Run

LEAST_SLOWDOWN = 0.05  # a difference below it is nothing a user would notice, however sure it is
LEAST_SLOWDOWN_DISTURBED = 0.15  # other work takes caches from detection and yardstick, though not in equal parts
LEAST_MEMORY_GROWTH = 0.1
SAMPLES = 4000
CERTAINTY = 0.99


class Difference(NamedTuple):
    """New over old: 1 is the same, 1.1 a tenth more."""

    run: str
    figure: str
    ratio: float
    low: float  # with CERTAINTY the true ratio lies between low and high
    high: float
    regression: bool


def compare(old: Bench, new: Bench) -> list[Difference]:
    """Time and memory of every run of `new` whose model and threads are in `old` too.

    Times are compared as multiples of the yardstick measured beside them, so a slower clock cancels out; medians of
    blocks are resampled (bootstrap), so blocks that disagree widen the interval. Where one of the machines warned, a
    difference has to be larger.
    """
    before = {_key(run): run for run in old.runs}
    disturbed = old.machine.warnings or new.machine.warnings
    least = LEAST_SLOWDOWN_DISTURBED if disturbed else LEAST_SLOWDOWN
    return [one for run in new.runs if _key(run) in before for one in _differences(before[_key(run)], run, least)]


def _differences(old: Run, new: Run, least_slowdown: float) -> list[Difference]:
    name = f"{new.model}, {new.threads} thread{'s' * (new.threads > 1)}"
    ratio = float(np.median(new.blocks) / np.median(old.blocks))
    low, high = _interval(old.blocks, new.blocks)
    growth = new.memory_mib / old.memory_mib
    return [
        Difference(name, "time", ratio, low, high, regression=low > 1 and ratio > 1 + least_slowdown),
        Difference(name, "memory", growth, growth, growth, regression=growth > 1 + LEAST_MEMORY_GROWTH),
    ]


def _interval(old: tuple[float, ...], new: tuple[float, ...]) -> tuple[float, float]:
    random = np.random.default_rng(0)  # the same verdict every time
    medians = [np.median(random.choice(np.asarray(blocks), (SAMPLES, len(blocks))), axis=1) for blocks in (old, new)]
    low, high = np.quantile(medians[1] / medians[0], [(1 - CERTAINTY) / 2, (1 + CERTAINTY) / 2])
    return float(low), float(high)


def _key(run: Run) -> tuple[str, str, int, tuple[int, int], tuple[int, int]]:
    return run.model, run.delegate, run.threads, run.input_hw, run.frame_hw
