"""Ranks and widths for a budget: the least error that a budget allows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from convert.compress.budget import Budget, millions
from convert.compress.cost import COSTS, Cost, Work, work
from convert.compress.curves import Width
from convert.compress.macs import channels_of, output_cells
from convert.compress.shape import Shape, Split
from convert.compress.units import Group, Unit
from convert.families import Structure
from convert.layout import PICTURE, Table
from edge_retinaface.errors import UsageError

T = TypeVar("T")
ROUNDS = 24  # of halving the interval that the price of a multiplication lies in
GROUP, FOLD = "channels of ", "activation of "  # before a name: some convolutions are units as well
PRICES = (1e-4, 1e3)  # error for a million: nothing is made smaller, everything is


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that could be made smaller, and what it would cost."""

    convs: Table
    structure: Structure
    units: Mapping[str, Unit]
    groups: Mapping[str, Group]
    splits: Mapping[str, Mapping[Split, float]]  # error, by unit
    widths: Mapping[str, Mapping[int, Width]]  # by width, by group
    folds: Mapping[str, float]  # error, by convolution with a leaky relu

    def error(self, shape: Shape) -> float:
        """What a shape would lose, if losses add up."""
        split = sum(self.splits[unit][one] for unit, one in shape.splits.items())
        pruned = sum(self.widths[group][len(kept)].error for group, kept in shape.kept.items())
        return split + pruned + sum(self.folds[name] for name in shape.folded)


class Search:
    """One search's sums: many thousand shapes are looked at, so no table is made for each."""

    def __init__(self, choices: Choices, cost: Cost) -> None:
        self.choices = choices
        self._cost = cost
        self._unit = {name: unit.names[0] for unit in choices.units.values() for name in unit.names}
        cells = output_cells(choices.convs)
        self._rows = [
            (name, work(conv, cells[name], choices.structure), channels_of(conv.source))
            for name, conv in choices.convs.items()
        ]
        self._widths = {PICTURE: 3, **{name: conv.outputs for name, conv in choices.convs.items()}}

    def spent(self, shape: Shape) -> int:
        """As `count` of the shape's table."""
        cost, widths, total = self._cost, dict(self._widths), self._cost.rest
        for producer, kept in shape.kept.items():
            for name in (producer, *self.choices.groups[producer].depthwise):
                widths[name] = len(kept)
        for name, whole, sources in self._rows:
            cells, side, _, _, depthwise, leaks, _ = whole
            leaks = leaks and name not in shape.folded
            inputs, outputs = 1 if depthwise else sum([widths[one] for one in sources]), widths[name]
            unit = self._unit.get(name, "")
            split = shape.splits.get(unit)
            if split is None:
                total += cost(Work(cells, side, inputs, outputs, depthwise, leaks))
                continue
            how, many = split
            middle = many if how == "rank" else many * inputs
            total += cost(Work(cells, 1, middle, outputs, depthwise=False, leaks=leaks))
            if unit != name:
                continue
            if how == "rank":
                total += cost(Work(cells, side, inputs, many, depthwise=False, leaks=False))
            else:
                total += many * cost(Work(cells, side, 1, inputs, depthwise=True, leaks=False, copied=True))
        return round(total)

    def cost(self, shape: Shape, price: float) -> float:
        """Error and expense together."""
        return self.choices.error(shape) + price * self.spent(shape) / 1e6

    def cheapest(self, price: float, names: list[str]) -> Shape:
        """The shape that costs least, found by changing one thing at a time, in this order."""
        shape = Shape()
        while True:
            before = shape
            for name in names:
                shape = min(_others(self.choices, shape, name), key=lambda one: self.cost(one, price))
            if self.cost(shape, price) >= self.cost(before, price):
                return before

    def exchange(self, shape: Shape, budget: int) -> Shape:
        """Better shapes within the budget as long as two changes together, or one, make one."""
        error = self.choices.error
        while True:
            start = error(shape)
            steps = [one for name in self.names for one in _others(self.choices, shape, name)]
            steps.sort(key=error)
            best, least = shape, start - 1e-9
            for first in steps:
                for second in steps:
                    # losses add up, so a pair's is known before it is put together
                    if error(first) + error(second) - start >= least:
                        break
                    both = _both(shape, first, second)
                    if (loss := error(both)) < least and self.spent(both) <= budget:
                        best, least = both, loss
            if best is shape:
                return shape
            shape = best

    @property
    def names(self) -> list[str]:
        """Units, then groups, then activations; some are several of these."""
        groups, folds = (
            (f"{GROUP}{name}" for name in self.choices.widths),
            (f"{FOLD}{name}" for name in self.choices.folds),
        )
        return [*self.choices.splits, *groups, *folds]


def choose(choices: Choices, budget: Budget) -> Shape:
    """The shape that loses least in the budget; UsageError if there is none so small."""
    search = Search(choices, COSTS[budget.unit])
    # a group made narrow makes its readers cheap, and the other way round: where one begins decides where one ends
    found = [_at_a_price(search, budget, names) for names in (search.names, search.names[::-1])]
    return min((search.exchange(shape, budget.most) for shape in found), key=choices.error)


def _at_a_price(search: Search, budget: Budget, names: list[str]) -> Shape:
    """The best shape in the budget that one price makes."""
    low, high = PRICES
    best = search.cheapest(high, names)
    if (least := search.spent(best)) > budget.most:
        raise UsageError(
            f"budget: wanted at least {millions(least)}, the least that this network can do with, found {budget}"
        )
    for _ in range(ROUNDS):
        price = (low * high) ** 0.5
        shape = search.cheapest(price, names)
        if search.spent(shape) > budget.most:
            low = price
        else:
            high, best = price, min(best, shape, key=search.choices.error)
    return best


def _others(choices: Choices, shape: Shape, name: str) -> Iterator[Shape]:
    """The shape with every split of one unit, width of one group or kind of one activation; as it is among them."""
    if name.startswith(GROUP):
        group = name.removeprefix(GROUP)
        kept = {one: rows for one, rows in shape.kept.items() if one != group}
        yield replace(shape, kept=kept)
        yield from (replace(shape, kept={**kept, group: one.kept}) for one in choices.widths[group].values())
    elif name.startswith(FOLD):
        own = {name.removeprefix(FOLD)}
        yield replace(shape, folded=shape.folded - own)
        yield replace(shape, folded=shape.folded | own)
    else:
        splits = {one: split for one, split in shape.splits.items() if one != name}
        yield replace(shape, splits=splits)
        yield from (replace(shape, splits={**splits, name: split}) for split in choices.splits[name])


def _both(shape: Shape, first: Shape, second: Shape) -> Shape:
    """Both changes of one shape; of the same thing the second."""
    splits, kept = _merged(shape.splits, first.splits, second.splits), _merged(shape.kept, first.kept, second.kept)
    changed = (first.folded ^ shape.folded) | (second.folded ^ shape.folded)
    return Shape(splits, kept, shape.folded ^ changed)


def _merged(old: Mapping[str, T], first: Mapping[str, T], second: Mapping[str, T]) -> dict[str, T]:
    names = old.keys() | first.keys() | second.keys()
    chosen = {name: (second if second.get(name) is not old.get(name) else first).get(name) for name in sorted(names)}
    return {name: one for name, one in chosen.items() if one is not None}
