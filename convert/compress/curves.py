"""What each unit loses at each rank, and each group at each width."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from convert.compress.closed_form import Elimination, Rows, factorise
from convert.compress.separable import separate
from convert.compress.shape import Split
from convert.compress.statistics import Metric
from convert.compress.units import Group, Unit
from convert.layout import Table
from convert.weights import F64, Layer

STEPS = (8, 16)  # channels, up to 32 and from there on: kernels on ARM and x86 work on as many at a time
DEPTHWISE = (1, 2, 3, 4)  # kernels for each input; more lose hardly less
LEAST_SAVED = 0.2  # of a unit's multiplications: below, another layer is not worth its own cost


class Width(NamedTuple):
    """A group made narrower."""

    error: float
    kept: Rows


def even_widths(outputs: int) -> list[int]:
    """Numbers of channels below `outputs` that are worth their name."""
    small, large = STEPS
    return [*range(small, min(2 * large, outputs), small), *range(2 * large, outputs, large)]


def unit_matrix(unit: Unit, layers: Mapping[str, Layer]) -> F64:
    """(outputs, patch) of all its convolutions."""
    return np.concatenate([layers[name].kernel.reshape(-1, layers[name].kernel.shape[3]) for name in unit.names], 1).T


def split_curve(unit: Unit, convs: Table, layers: Mapping[str, Layer], metric: Metric) -> dict[Split, float]:
    """The error of every split that saves enough."""
    matrix = unit_matrix(unit, layers).astype(np.float64)
    if any(convs[name].place == "head" for name in unit.names):
        return {}
    outputs, patch = matrix.shape
    errors = factorise(matrix, metric).errors
    worth = (1 - LEAST_SAVED) * patch * outputs
    curve = {
        Split("rank", rank): float(errors[rank]) for rank in even_widths(outputs) if rank * (patch + outputs) <= worth
    }
    if unit.side > 1:
        each = patch + patch // unit.side**2 * outputs
        for count in [one for one in DEPTHWISE if one * each <= worth]:
            curve[Split("depthwise", count)] = separate(matrix, metric, unit.side, count).error
    return curve


def width_curve(
    group: Group, units: Mapping[str, Unit], convs: Table, layers: Mapping[str, Layer], metrics: Mapping[str, Metric]
) -> dict[int, Width]:
    """The least error and the channels kept at every width, by width; channels go one by one, the cheapest first."""
    width = convs[group.producer].outputs
    readers = []
    for reader in group.readers:
        unit = units[reader.unit]
        channels = convs[reader.unit].inputs
        taps = np.arange(unit.side**2) * channels + reader.start
        blocks = [taps + channel for channel in range(width)]
        readers.append(Elimination(unit_matrix(unit, layers).astype(np.float64), metrics[reader.unit], blocks))
    left, total, curve = set(range(width)), 0.0, {}
    wanted = even_widths(width)
    while len(left) > min(wanted, default=width):
        costs = [one.costs() for one in readers]
        cheapest = min(sorted(left), key=lambda number: sum(cost[number] for cost in costs))
        total += sum(cost[cheapest] for cost in costs)
        for one in readers:
            one.drop(cheapest)
        left.remove(cheapest)
        if len(left) in wanted:
            curve[len(left)] = Width(total, np.array(sorted(left)))
    return curve
