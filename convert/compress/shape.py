"""The table of a smaller network: what is factorised to what rank, which channels are kept, what no longer leaks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from convert.compress.closed_form import Rows
from convert.compress.macs import channels_of
from convert.compress.units import Group, Unit
from convert.layout import PICTURE, Concat, Conv, Source, Table


class Split(NamedTuple):
    """A unit in two halves, the second of which is pointwise."""

    how: Literal["rank", "depthwise"]  # the first half: as many dense channels, or depthwise kernels for each input
    number: int


@dataclass(frozen=True, slots=True)
class Shape:
    """What is made smaller; what is not named stays whole."""

    splits: Mapping[str, Split] = field(default_factory=dict)  # by unit
    kept: Mapping[str, Rows] = field(default_factory=dict)  # output channels in rising order, by group
    folded: frozenset[str] = frozenset()  # convolutions whose leaky relu becomes a relu


def smaller_table(convs: Table, units: Mapping[str, Unit], groups: Mapping[str, Group], shape: Shape) -> Table:
    """The convolutions of the smaller network, each in the place of the one it came from."""
    widths = {PICTURE: 3, **{name: conv.outputs for name, conv in convs.items()}}
    for producer, rows in shape.kept.items():
        widths |= dict.fromkeys((producer, *groups[producer].depthwise), len(rows))
    unit_of = {name: unit for unit in units.values() for name in unit.names}
    table: dict[str, Conv] = {}
    for name, whole in convs.items():
        conv = whole._replace(place="folded") if name in shape.folded else whole
        inputs = _width(conv.source, widths)
        split = shape.splits.get(unit_of[name].names[0]) if name in unit_of else None
        if split is None:
            table[name] = conv._replace(inputs=inputs, outputs=widths[name])
            continue
        halves = tuple(_first_half(unit_of[name], conv, inputs, split))
        table |= {half.name: half for half in halves}
        source = Concat(tuple(half.name for half in halves)) if len(halves) > 1 else halves[0].name
        table[name] = Conv(name, source, 1, 1, sum(half.outputs for half in halves), widths[name], conv.place)
    return table


def _first_half(unit: Unit, conv: Conv, inputs: int, split: Split) -> Iterator[Conv]:
    if split.how == "rank":
        yield Conv(unit.basis, conv.source, conv.side, 1, inputs, split.number, "linear")
        return
    for name in unit.depthwise(split.number):
        yield Conv(name, conv.source, conv.side, 1, inputs, inputs, "linear", depthwise=True)


def kept_inputs(convs: Table, groups: Mapping[str, Group], shape: Shape, source: Source) -> Rows:
    """The input channels that whoever reads `source` still gets."""
    through = {one: group.producer for group in groups.values() for one in (group.producer, *group.depthwise)}
    kept, start = [], 0
    for part in channels_of(source):
        width = convs[part].outputs
        rows = shape.kept.get(through.get(part, ""), np.arange(width))
        kept.append(rows + start)
        start += width
    return np.concatenate(kept)


def _width(source: Source, widths: Mapping[str, int]) -> int:
    return sum(widths[part] for part in channels_of(source))
