"""What a network costs: multiplications, or the instructions that a Pi executes for its int8 file."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from convert.compress.macs import output_cells
from convert.families import Structure
from convert.layout import Conv, Table


class Work(NamedTuple):
    """One convolution at the reference size."""

    cells: int  # of its output
    side: int
    inputs: int  # channels; 1 if depthwise
    outputs: int
    depthwise: bool
    leaks: bool  # followed by a leaky relu, which is a pass of its own; relu is part of the convolution
    copied: bool = False  # joined with others that nothing follows


class Cost(Protocol):
    """What convolutions cost."""

    @property
    def rest(self) -> float:
        """What does not depend on them."""

    def __call__(self, work: Work) -> float:
        """Of one."""


class Multiplications(NamedTuple):
    """Multiply-accumulates."""

    rest: float = 0

    def __call__(self, work: Work) -> float:
        """Of one convolution."""
        return work.cells * work.outputs * work.side**2 * work.inputs


class Instructions(NamedTuple):
    """A processor under LiteRT, by counts of single layers (docs/design/0071-graph-forms.md)."""

    output: float  # for each value of a dense convolution: requantization
    product: float  # and for each of its products, in a kernel of one pixel
    product_wide: float  # in a larger kernel
    step: int  # channels that are made at a time
    rest: float  # the first convolution's excess, additions, concatenation, resizing
    depthwise: tuple[float, float] = (6.3, 60.0)  # for each value of a depthwise one, and for each of its pixels
    leak: float = 1.06  # for each value
    copy: float = 0.45  # for each value

    def __call__(self, work: Work) -> float:
        """Of one convolution."""
        values = work.cells * work.outputs
        leak = self.leak * values if work.leaks else 0.0
        if work.depthwise:
            value, pixel = self.depthwise
            return (value + self.copy * work.copied) * values + pixel * work.cells + leak
        product = self.product if work.side == 1 else self.product_wide
        made = -(-work.outputs // self.step) * self.step
        return work.cells * made * (self.output + product * work.side**2 * work.inputs) + leak


MACS = Multiplications()
PI4 = Instructions(output=5.0, product=0.23, product_wide=0.255, step=8, rest=17.2e6)
PI5 = Instructions(output=2.5, product=0.07, product_wide=0.081, step=16, rest=4.2e6)
COSTS: Mapping[str, Cost] = {"macs": MACS, "pi4": PI4, "pi5": PI5}


def count(convs: Table, structure: Structure, cost: Cost) -> int:
    """What one inference at the reference size costs."""
    cells = output_cells(convs)
    return round(cost.rest + sum(cost(work(conv, cells[name], structure)) for name, conv in convs.items()))


def work(conv: Conv, cells: int, structure: Structure) -> Work:
    """A convolution as a cost sees it."""
    leaks = structure.activation(conv.place) == "leaky_relu"
    inputs = 1 if conv.depthwise else conv.inputs
    copied = conv.depthwise and conv.place == "linear"
    return Work(cells, conv.side, inputs, conv.outputs, conv.depthwise, leaks, copied)
