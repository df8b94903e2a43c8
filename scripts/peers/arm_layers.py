"""What each layer costs on ARM: the difference between counting a model cut before and after it. Not time.

Padding before a convolution counts with it: XNNPACK makes one operator of the two.
"""

import argparse
import itertools
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from emulator import PROCESSORS, executed

from convert.graph import CONVOLUTIONS, Graph
from edge_retinaface.model_file import read_model

PARTS = {  # of a convolution's name; the first that fits
    r"stage1\.0": "first convolution",
    "depthwise": "depthwise",
    "pointwise": "pointwise",
    r"fpn\.output": "FPN laterals",
    r"fpn\.merge": "FPN merges",
    "ssh": "SSH",
    "boxes|scores|landmarks": "heads",
}
Count = Callable[[str, str, Iterable[object]], list[int]]  # as `executed`


class Layer(NamedTuple):
    """One operator, with the padding before it."""

    part: str
    kind: str
    shape: tuple[int, ...]  # of its output
    counts: tuple[int, ...]  # instructions of one inference, in the order of PROCESSORS


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench --arm --by-layer", description=__doc__)
    parser.add_argument("model", type=Path, help="a model file")
    layers = measure(Graph(read_model(parser.parse_args().model).flatbuffer))
    sys.stdout.write("\n".join([*_table(layers), "", *_table(together(layers)), ""]))


def measure(graph: Graph, count: Count = executed) -> list[Layer]:
    """Every layer in the order in which they run."""
    ends = [number for number, operator in enumerate(graph.operators) if graph.kind(operator) != "PAD"]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{end}.tflite" for end in ends]
        for file, end in zip(files, ends, strict=True):
            file.write_bytes(graph.pack(_loose(graph, end + 1)))
        # two marks a file: what lies between files is no inference
        totals = [count(processor, "arm_cuts.py", files)[::2] for processor in PROCESSORS]
    counts = zip(*(_differences(total) for total in totals), strict=True)
    return [_layer(graph, graph.operators[end], one) for end, one in zip(ends, counts, strict=True)]


def _loose(graph: Graph, count: int) -> Iterator[int]:
    """Tensors that the first `count` operators make and do not use themselves: the outputs of a model cut there."""
    operators = graph.operators[:count]
    used = {int(tensor) for operator in operators for tensor in operator.inputs}
    made = [int(tensor) for operator in operators for tensor in operator.outputs]
    return (tensor for tensor in made if tensor not in used or tensor in graph.outputs)


def _differences(totals: list[int]) -> list[int]:
    return [after - before for before, after in itertools.pairwise([0, *totals])]


def _layer(graph: Graph, operator: Any, counts: tuple[int, ...]) -> Layer:
    output, kind = graph.tensors[int(operator.outputs[0])], graph.kind(operator)
    # the last name is the layer's own: the converter joins those of all that it folded
    name = output.name.decode().split(";")[-1]
    parts = (part for pattern, part in PARTS.items() if kind in CONVOLUTIONS and re.search(pattern, name))
    return Layer(next(parts, kind), kind, tuple(map(int, output.shape)), counts)


def together(layers: Iterable[Layer]) -> Iterator[Layer]:
    """One row a part of the network, the dearest on the first processor first; and their sum."""
    layers = list(layers)
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(layer.part, []).append(layer)
    rows = [Layer(part, f"{len(group)}", (), _sum(group)) for part, group in groups.items()]
    yield from sorted(rows, key=lambda row: -row.counts[0])
    yield Layer("together", f"{len(layers)}", (), _sum(layers))


def _sum(layers: Iterable[Layer]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*(layer.counts for layer in layers), strict=True)))


def _table(layers: Iterable[Layer]) -> Iterator[str]:
    yield f"| part | operator | output | {' | '.join(PROCESSORS.values())} |"
    yield "|---|---|---|" + "---|" * len(PROCESSORS)
    for part, kind, shape, counts in layers:
        millions = " | ".join(f"{count / 1e6:.2f}" for count in counts)
        yield f"| {part} | {kind} | {'x'.join(map(str, shape[1:]))} | {millions} |"


if __name__ == "__main__":
    main()
