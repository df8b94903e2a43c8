import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from convert_weights import random_weights
from numpy.typing import NDArray

from convert.calibrate import Pictures
from convert.families import FAMILIES, PYTORCH
from convert.graph import Graph, run
from convert.int8 import quantize_graph, round_convolutions
from convert.layout import HEADS
from convert.network import build_network
from convert.observe import observe
from convert.pairs import CELL, pair_first_convolution, pair_kernel
from convert.ranges import choose_ranges
from convert.tflite import to_flatbuffer
from convert.weights import centre_input
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert
SPEC = ModelSpec((64, 96))
SCENES = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
INPUTS = [(scene.astype(np.int16) - 128).astype(np.int8)[None] for scene in SCENES]
SAME_PADDING = next(family for family in FAMILIES if family.structure.padding == "same")


@pytest.fixture(scope="module", params=[PYTORCH, SAME_PADDING], ids=["padded-before", "padded-after"])
def int8(request: pytest.FixtureRequest) -> bytes:
    model = build_network(centre_input(random_weights(request.param), SPEC.centre), SPEC.input_hw)
    pictures = Pictures.letterboxed(SCENES, SPEC)
    graph = Graph(to_flatbuffer(model, "float32"))
    quantize_graph(graph, choose_ranges(graph, observe(graph, pictures), SPEC.centre), round_convolutions(graph))
    return graph.pack()


def paired(flatbuffer: bytes) -> Graph:
    graph = Graph(flatbuffer)
    pair_first_convolution(graph)
    return graph


def test_every_output_is_the_same_to_the_byte(int8: bytes) -> None:
    before, after = (list(run(content, INPUTS)) for content in (int8, paired(int8).pack()))
    for plain, pairs in zip(before, after, strict=True):
        assert list(pairs) == list(HEADS)
        for name in HEADS:
            np.testing.assert_array_equal(pairs[name], plain[name])


def test_without_xnnpack_too(int8: bytes) -> None:
    def reference(content: bytes) -> list[NDArray[np.int8]]:
        interpreter = Interpreter(
            model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], INPUTS[0])
        interpreter.invoke()
        return [interpreter.get_tensor(one["index"]) for one in interpreter.get_output_details()]

    for plain, pairs in zip(reference(int8), reference(paired(int8).pack()), strict=True):
        np.testing.assert_array_equal(pairs, plain)


def test_sixteen_channels_come_from_cells_of_twelve(int8: bytes) -> None:
    graph = paired(int8)
    first = next(graph.convolutions())
    assert graph.kind(graph.operators[0]) == "RESHAPE"
    assert graph.tensors[int(graph.operators[0].outputs[0])].shape.tolist() == [1, 64, 96 // CELL, 3 * CELL]
    assert graph.tensors[int(first.outputs[0])].shape.tolist() == [1, 32, 24, 16]
    assert graph.tensors[graph.inputs[0]].shape.tolist() == [1, 64, 96, 3]


def test_a_window_lies_where_its_output_is_and_all_else_is_zero() -> None:
    kernel = np.arange(1, 1 + 8 * 27, dtype=np.float32).reshape(8, 3, 3, 3)
    pixels = pair_kernel(kernel, 3).reshape(2, 8, 3, 8, 3)  # output of the pair, channel, row, pixel, colour
    np.testing.assert_array_equal(pixels[0, :, :, 3:6], kernel)
    np.testing.assert_array_equal(pixels[1, :, :, 5:8], kernel)
    assert np.count_nonzero(pixels) == 2 * kernel.size
