import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "peers"))

from arm_layers import measure, together  # noqa: E402 - scripts are no package
from convert_weights import random_weights  # noqa: E402

from convert.graph import Graph  # noqa: E402
from convert.network import build_network  # noqa: E402
from convert.tflite import to_flatbuffer  # noqa: E402

pytestmark = pytest.mark.convert
PROCESSORS = 2


def count_operators(_processor: str, _program: str, files: Iterable[object]) -> list[int]:
    """As many instructions as a file has operators; what lies between two files is 1000."""
    sizes = [len(Graph(Path(str(file)).read_bytes()).operators) for file in files]
    return [count for size in sizes for count in (size, 1000)][:-1]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(to_flatbuffer(build_network(random_weights(), (64, 96)), "float32"))


def test_a_layer_costs_what_the_cut_after_it_has_more_than_the_cut_before(graph: Graph) -> None:
    layers = measure(graph, count_operators)
    pads = sum(graph.kind(operator) == "PAD" for operator in graph.operators)
    assert len(layers) == len(graph.operators) - pads
    assert [layer.counts for layer in layers].count((2,) * PROCESSORS) == pads  # a convolution and its padding
    assert {layer.counts for layer in layers} == {(1,) * PROCESSORS, (2,) * PROCESSORS}


def test_parts_of_the_network_add_up(graph: Graph) -> None:
    rows = {row.part: row for row in together(measure(graph, count_operators))}
    assert (rows["depthwise"].kind, rows["pointwise"].kind, rows["heads"].kind) == ("13", "13", "9")
    assert (rows["first convolution"].kind, rows["FPN merges"].kind, rows["SSH"].kind) == ("1", "2", "15")
    assert rows["together"].counts == (len(graph.operators),) * PROCESSORS
    assert sum(row.counts[0] for part, row in rows.items() if part != "together") == len(graph.operators)
