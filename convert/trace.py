"""A source graph reduced to what matters: convolutions, and expressions that say what feeds each of them.

Importers of formats that carry a graph feed this; `match` then finds the layout's convolutions in it, by what they do
and not by what they are called.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from convert.families import ActivationKind, Padding
from convert.weights import F64, Floats, fold_batch_norm


class Activated(NamedTuple):
    """An activation of something; `slope` below zero."""

    kind: ActivationKind
    slope: float
    of: "Expression"


class Summed(NamedTuple):
    """A sum, order meaningless."""

    of: frozenset["Expression"]


class Upsampled(NamedTuple):
    """Nearest-neighbour upsampling."""

    of: "Expression"


class Joined(NamedTuple):
    """A concatenation along the channels, order meaningful."""

    of: tuple["Expression", ...]


class Convolved(NamedTuple):
    """The output of the tracer's convolution number `number`."""

    number: int


class Opaque(NamedTuple):
    """The output of an operation that the network does not have."""

    label: str


Expression = str | Activated | Summed | Upsampled | Joined | Convolved | Opaque  # a str is the picture


@dataclass(frozen=True, eq=False)
class Found:
    """One convolution of the source graph."""

    source: Expression
    kernel: Floats  # Keras layout
    bias: Floats
    stride: int
    depthwise: bool
    padding: Padding | None  # None: padding that neither family has
    arrays: frozenset[str] = frozenset()  # names of the source arrays in it

    def __str__(self) -> str:
        side, _, inputs, outputs = self.kernel.shape
        if self.depthwise:
            return f"a depthwise {side}x{side} convolution of {inputs} channels, stride {self.stride}"
        return f"a {side}x{side} convolution {inputs} to {outputs}, stride {self.stride}"

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for convolutions that compute the same: exporters write a shared one twice."""
        return (self.source, self.kernel.tobytes(), self.bias.tobytes(), self.stride, self.depthwise, self.padding)


@dataclass(eq=False)
class Trace:
    """Convolutions in the order of the graph, and what is done with each expression."""

    found: list[Found] = field(default_factory=list)
    uses: dict[Expression, list[str]] = field(default_factory=lambda: defaultdict(list))
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def convolve(self, found: Found) -> Expression:
        """Record a convolution, one that is there already only once."""
        self.uses[found.source].append(str(found))
        number = self._numbers.setdefault(found.identity, len(self.found))
        if number == len(self.found):
            self.found.append(found)
        else:
            twin = self.found[number]
            self.found[number] = replace(twin, arrays=twin.arrays | found.arrays)
        return Convolved(number)

    def normalize(self, x: Expression, scale: F64, shift: F64, mean: F64, var: F64, arrays: set[str]) -> Expression:
        """A batch normalization (`var` includes epsilon), or part of one, folded into the convolution before it."""
        if not isinstance(x, Convolved):
            return self.opaque("a batch normalization that follows no convolution", x)
        plain = self.found[x.number]
        layer = fold_batch_norm(
            plain.kernel, plain.bias, depthwise=plain.depthwise, scale=scale, shift=shift, mean=mean, var=var
        )
        folded = replace(plain, kernel=layer.kernel, bias=layer.bias, arrays=plain.arrays | arrays)
        return self.convolve(folded)

    def activate(self, kind: ActivationKind, x: Expression, slope: float = 0.0) -> Expression:
        """An activation; after a concatenation it is the same as before it, on every part."""
        self.uses[x].append(kind)
        if isinstance(x, Joined):
            return Joined(tuple(self.activate(kind, part, slope) for part in x.of))
        return Activated(kind, round(slope, 6), x)

    def add(self, parts: list[Expression]) -> Expression:
        """A sum of tensors."""
        return Summed(frozenset(self._note("an addition", parts)))

    def join(self, parts: list[Expression]) -> Expression:
        """A concatenation along the channels."""
        return Joined(tuple(self._note("a concatenation", parts)))

    def upsample(self, x: Expression) -> Expression:
        """Nearest-neighbour upsampling."""
        return Upsampled(self._note("an upsampling", [x])[0])

    def opaque(self, label: str, *parts: Expression) -> Expression:
        """Something that is no part of the network."""
        self._note(label, list(parts))
        return Opaque(label)

    def activations(self, number: int) -> set[tuple[str, float]]:
        """(kind, slope) of every activation that is applied to this convolution, also behind a concatenation."""
        plain = Convolved(number)
        return {(x.kind, x.slope) for x in self._expressions() if isinstance(x, Activated) and x.of == plain}

    def _expressions(self) -> set[Expression]:
        seen: set[Expression] = set()
        pending = [*self.uses, *(found.source for found in self.found)]
        while pending:
            x = pending.pop()
            if x in seen:
                continue
            seen.add(x)
            if isinstance(x, Summed | Joined):
                pending.extend(x.of)
            elif isinstance(x, Activated | Upsampled):
                pending.append(x.of)
        return seen

    def _note(self, label: str, parts: list[Expression]) -> list[Expression]:
        for part in parts:
            self.uses[part].append(label)
        return parts


def no_change(channels: int) -> tuple[F64, F64, F64, F64]:
    """Scale, shift, mean and variance that change nothing: where a graph has only some of them."""
    return np.ones(channels), np.zeros(channels), np.zeros(channels), np.ones(channels)
