"""How far a figure would move with other pictures: standard deviations by resampling the pictures."""

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

RESAMPLES = 500  # a standard deviation from so many is itself good to 3 %


class Estimate(msgspec.Struct, frozen=True):
    """A figure, and its bootstrap standard deviation over pictures; None where there is nothing to take a mean of."""

    value: float | None
    sd: float | None


def estimate(pictures: int, statistic: Callable[[NDArray[np.intp]], float]) -> Estimate:
    """`statistic` of the data set as it is, and its spread.

    `statistic` gets intp (pictures,), how often each picture occurs, and may return NaN where it is undefined. The
    draws depend on nothing but `pictures`, so two estimates over the same pictures are of the same draws.
    """
    value = statistic(np.ones(pictures, np.intp))
    if np.isnan(value):
        return Estimate(None, None)
    if not pictures:
        return Estimate(float(value), 0.0)
    draws = np.random.default_rng(0).multinomial(pictures, np.full(pictures, 1 / pictures), size=RESAMPLES)
    return Estimate(float(value), float(np.nanstd([statistic(times) for times in draws])))


def ratio(pictures: int, above: NDArray[np.float64], below: NDArray[np.float64]) -> Estimate:
    """The sum of `above` over the sum of `below`, each float64 (pictures,)."""

    def statistic(times: NDArray[np.intp]) -> float:
        total = times @ below
        return float(times @ above / total) if total else np.nan

    return estimate(pictures, statistic)
