"""What can be made smaller: units, that is convolutions that read the same thing, and groups of channels."""

from collections import defaultdict
from typing import NamedTuple

from convert.layout import PICTURE, Add, Concat, Source, Table
from convert.weights import Weights


class Unit(NamedTuple):
    """Convolutions with one source and one kernel size: one matrix from the input's patches to all their outputs."""

    names: tuple[str, ...]
    source: Source
    side: int

    @property
    def basis(self) -> str:
        """What the first half is called when the unit gets a low rank."""
        return f"{self.names[0]}.basis"

    def depthwise(self, count: int) -> tuple[str, ...]:
        """What the first halves are called when the unit is made of so many depthwise kernels."""
        return tuple(f"{self.names[0]}.depthwise{number}" for number in range(1, count + 1))


class Reader(NamedTuple):
    """A unit that reads a group's channels, beginning at its input channel `start`."""

    unit: str  # its first name
    start: int


class Group(NamedTuple):
    """Output channels of a convolution that may be dropped, and all who read them."""

    producer: str
    depthwise: tuple[str, ...]  # convolutions in between, which lose the same channels
    readers: tuple[Reader, ...]


def find_units(convs: Table) -> dict[str, Unit]:
    """Every convolution but depthwise ones and the first, by the unit's first name."""
    together: defaultdict[tuple[Source, int], list[str]] = defaultdict(list)
    for name, conv in convs.items():
        if not conv.depthwise and conv.source != PICTURE:
            together[conv.source, conv.side].append(name)
    return {names[0]: Unit(tuple(names), source, side) for (source, side), names in together.items()}


def find_groups(convs: Table, units: dict[str, Unit]) -> list[Group]:
    """Groups of one producer. Channels that are added to others' stay: they would have to go in all."""
    groups = []
    for name, conv in convs.items():
        if conv.depthwise or conv.place in ("head", "linear"):
            continue
        between = tuple(one.name for one in convs.values() if one.depthwise and one.source == name)
        sources = [unit for unit in units.values() if reads(unit.source, (name, *between))]
        if sources and not any(isinstance(unit.source, Add) for unit in sources) and not _added(convs, name):
            readers = tuple(Reader(unit.names[0], _start(convs, unit.source, name)) for unit in sources)
            groups.append(Group(name, between, readers))
    return groups


def reads(source: Source, names: tuple[str, ...]) -> bool:
    """Whether a source is, or has among its parts, one of the convolutions."""
    return any(part in names for part in ((source,) if isinstance(source, str) else _parts(source)))


def _parts(source: Add | Concat) -> tuple[str, ...]:
    return source.parts if isinstance(source, Concat) else tuple(source)


def _added(convs: Table, name: str) -> bool:
    return any(isinstance(conv.source, Add) and name in conv.source for conv in convs.values())


def _start(convs: Table, source: Source, name: str) -> int:
    if not isinstance(source, Concat):
        return 0
    return sum(convs[part].outputs for part in source.parts[: source.parts.index(name)])


def leaky_convolutions(weights: Weights) -> list[str]:
    """Names of those that a leaky relu follows."""
    activation = weights.family.structure.activation
    return [name for name, conv in weights.convs.items() if activation(conv.place) == "leaky_relu"]
