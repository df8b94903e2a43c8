"""How many multiplications a network costs, from its table."""

import math

from convert.layout import PICTURE, Add, Concat, Source, Table

REFERENCE_HW = (480, 640)  # the size that budgets are for; shares are the same at others


def count_macs(convs: Table) -> int:
    """Multiply-accumulates of one inference at the reference size."""
    cells = output_cells(convs)
    return sum(
        cells[name] * conv.outputs * conv.side**2 * (1 if conv.depthwise else conv.inputs)
        for name, conv in convs.items()
    )


def output_cells(convs: Table) -> dict[str, int]:
    """Rows times columns of every convolution's output at the reference size."""
    sizes = {PICTURE: REFERENCE_HW}
    for name, conv in convs.items():
        height, width = sizes[channels_of(conv.source)[0]]
        sizes[name] = -(-height // conv.stride), -(-width // conv.stride)
    return {name: math.prod(size) for name, size in sizes.items()}


def channels_of(source: Source) -> tuple[str, ...]:
    """The convolutions (or picture) whose channels, one after the other, a source has."""
    match source:
        case Add(fine, _):
            return (fine,)
        case Concat(parts):
            return parts
        case name:
            return (name,)
