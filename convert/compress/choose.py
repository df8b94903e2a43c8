"""Ranks and widths for a budget: the least error that so many multiplications allow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from convert.compress.curves import Width
from convert.compress.macs import channels_of, output_cells
from convert.compress.shape import Shape
from convert.compress.units import Group, Unit
from convert.layout import PICTURE, Table
from edge_retinaface.errors import UsageError

T = TypeVar("T")
ROUNDS = 24  # of halving the interval that the price of a multiplication lies in
GROUP = "channels of "  # before the name of a group: some producers are units as well
PRICES = (1e-4, 1e3)  # error for a million multiplications: nothing is made smaller, everything is


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that could be made smaller, and what it would cost."""

    convs: Table
    units: Mapping[str, Unit]
    groups: Mapping[str, Group]
    ranks: Mapping[str, Mapping[int, float]]  # error by rank, by unit
    widths: Mapping[str, Mapping[int, Width]]  # by width, by group

    def error(self, shape: Shape) -> float:
        """What a shape would lose, if losses add up."""
        factorised = sum(self.ranks[unit][rank] for unit, rank in shape.ranks.items())
        return factorised + sum(self.widths[group][len(kept)].error for group, kept in shape.kept.items())


class _Search:
    """One search's sums: many thousand shapes are looked at, so no table is made for each."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        cells = output_cells(choices.convs)
        self._unit = {name: unit.names[0] for unit in choices.units.values() for name in unit.names}
        self._rows = [(name, conv, cells[name], channels_of(conv.source)) for name, conv in choices.convs.items()]
        self._widths = {PICTURE: 3, **{name: conv.outputs for name, conv in choices.convs.items()}}

    def macs(self, shape: Shape) -> int:
        """As `count_macs` of the shape's table."""
        widths, total = dict(self._widths), 0
        for producer, kept in shape.kept.items():
            for name in (producer, *self.choices.groups[producer].depthwise):
                widths[name] = len(kept)
        for name, conv, cells, sources in self._rows:
            inputs = 1 if conv.depthwise else sum([widths[one] for one in sources])
            rank = shape.ranks.get(self._unit.get(name, ""))
            if rank is None:
                total += cells * widths[name] * conv.side**2 * inputs
            else:
                total += cells * rank * (widths[name] + (conv.side**2 * inputs if self._unit[name] == name else 0))
        return total

    def cost(self, shape: Shape, price: float) -> float:
        """Error and multiplications together."""
        return self.choices.error(shape) + price * self.macs(shape) / 1e6

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
                    if (loss := error(both)) < least and self.macs(both) <= budget:
                        best, least = both, loss
            if best is shape:
                return shape
            shape = best

    @property
    def names(self) -> list[str]:
        """Units, then groups; some are both."""
        return [*self.choices.ranks, *(f"{GROUP}{name}" for name in self.choices.widths)]


def choose(choices: Choices, budget: int) -> Shape:
    """The shape that costs at most `budget` multiplications; UsageError if there is none so small."""
    search = _Search(choices)
    # a group made narrow makes its readers cheap, and the other way round: where one begins decides where one ends
    found = [_at_a_price(search, budget, names) for names in (search.names, search.names[::-1])]
    return min((search.exchange(shape, budget) for shape in found), key=choices.error)


def _at_a_price(search: _Search, budget: int, names: list[str]) -> Shape:
    """The best shape in the budget that one price of multiplications makes."""
    low, high = PRICES
    best = search.cheapest(high, names)
    if (least := search.macs(best)) > budget:
        raise UsageError(f"--macs: wanted at least {least}, the least that this network can do with, found {budget}")
    for _ in range(ROUNDS):
        price = (low * high) ** 0.5
        shape = search.cheapest(price, names)
        if search.macs(shape) > budget:
            low = price
        else:
            high, best = price, min(best, shape, key=search.choices.error)
    return best


def _others(choices: Choices, shape: Shape, name: str) -> Iterator[Shape]:
    """The shape with every rank of one unit, or with every width of one group; as it is among them."""
    if name.startswith(GROUP):
        group = name.removeprefix(GROUP)
        kept = {one: rows for one, rows in shape.kept.items() if one != group}
        yield Shape(shape.ranks, kept)
        yield from (Shape(shape.ranks, {**kept, group: one.kept}) for one in choices.widths[group].values())
    else:
        ranks = {one: rank for one, rank in shape.ranks.items() if one != name}
        yield Shape(ranks, shape.kept)
        yield from (Shape({**ranks, name: rank}, shape.kept) for rank in choices.ranks[name])


def _both(shape: Shape, first: Shape, second: Shape) -> Shape:
    """Both changes of one shape; of the same thing the second."""
    return Shape(_merged(shape.ranks, first.ranks, second.ranks), _merged(shape.kept, first.kept, second.kept))


def _merged(old: Mapping[str, T], first: Mapping[str, T], second: Mapping[str, T]) -> dict[str, T]:
    names = old.keys() | first.keys() | second.keys()
    chosen = {name: (second if second.get(name) is not old.get(name) else first).get(name) for name in sorted(names)}
    return {name: one for name, one in chosen.items() if one is not None}
