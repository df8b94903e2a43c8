"""The range that int8 gives each activation tensor: as wide as clipping rare values and rounding all others balance."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from convert.graph import Graph
from convert.int8 import LEVELS, Range
from convert.observe import Spread

LOWS = np.linspace(0.1, 1, 19)  # shares of the smallest value that are tried
HIGHS = np.linspace(0.3, 1, 29)
ROUNDING = 12**-0.5  # of a step: the root mean square error of rounding


class Balance(NamedTuple):
    """What a clipped value costs beside a rounded one: `weight` times its error to the power of `power`."""

    power: float
    weight: float


BALANCE = Balance(3.0, 1.0)  # errors of clipping agree from pixel to pixel, those of rounding cancel: hence a cube


def choose_ranges(
    graph: Graph, spreads: Mapping[int, Spread], centre: int, balance: Balance = BALANCE
) -> dict[int, Range]:
    """A range for the input, which holds every camera byte, and for each tensor in `spreads`.

    What goes below zero into a leaky relu comes out a tenth as large, and so does its error: it weighs as little.
    """
    ranges = {graph.inputs[0]: Range(-centre, 255 - centre)}
    for operator in graph.operators:
        tensor = int(operator.outputs[0])
        spread = spreads[tensor]
        # a head's values were chosen already: those that can become a face
        whole = tensor in graph.outputs
        ranges[tensor] = Range(spread.low, spread.high) if whole else _best(spread, graph.slope(tensor), balance)
    return ranges


def _best(spread: Spread, slope: float, balance: Balance) -> Range:
    values = spread.centres
    share = spread.counts / max(spread.counts.sum(), 1) * np.where(values < 0, slope**balance.power, 1.0)
    lows = spread.low * LOWS if spread.low < 0 else np.array([spread.low])
    highs = spread.high * HIGHS if spread.high > 0 else np.array([spread.high])
    below = [(share * np.maximum(low - values, 0) ** balance.power).sum() for low in lows]
    above = [(share * np.maximum(values - high, 0) ** balance.power).sum() for high in highs]
    step = (np.maximum(highs, 0)[None, :] - np.minimum(lows, 0)[:, None]) / LEVELS
    cost = (step * ROUNDING) ** balance.power * share.sum()
    cost = cost + balance.weight * (np.array(below)[:, None] + np.array(above)[None, :])
    low, high = np.unravel_index(int(cost.argmin()), cost.shape)
    return Range(float(lows[low]), float(highs[high]))
