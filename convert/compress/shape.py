"""The table of a smaller network: what is factorised to what rank, which channels are kept, what no longer leaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from convert.compress.closed_form import Rows
from convert.compress.macs import channels_of
from convert.compress.units import Group, Unit
from convert.layout import PICTURE, Conv, Source, Table


@dataclass(frozen=True, slots=True)
class Shape:
    """What is made smaller; what is not named stays whole."""

    ranks: Mapping[str, int] = field(default_factory=dict)  # by unit
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
        rank = shape.ranks.get(unit_of[name].names[0]) if name in unit_of else None
        if rank is None:
            table[name] = conv._replace(inputs=inputs, outputs=widths[name])
            continue
        unit = unit_of[name]
        if unit.basis not in table:
            table[unit.basis] = Conv(unit.basis, conv.source, conv.side, 1, inputs, rank, "linear")
        table[name] = Conv(name, unit.basis, 1, 1, rank, widths[name], conv.place)
    return table


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
