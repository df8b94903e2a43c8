import numpy as np
import pytest
from convert_weights import random_weights

from convert.calibrate import Pictures
from convert.distill.plan import Plan
from convert.distill.scenes import Scene
from convert.graph import Graph, run
from convert.int8 import Range, quantize_graph, round_convolutions
from convert.network import build_network
from convert.observe import observe
from convert.ranges import choose_ranges
from convert.tflite import tensor_quantization, to_flatbuffer
from convert.tune import tune
from convert.weights import Layer, centre_input
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert
SPEC = ModelSpec((64, 96))
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 64, 96, 3), np.uint8)
SCENES = tuple(Scene(one, np.array([[20, 20, 60, 60]], np.float32)) for one in PIXELS)
PLAN = Plan(steps=60, batch=4, view_hw=(64, 64), rate=1e-3, check_every=20)
FLOATS = range(1, 12)
WEIGHTS = centre_input(random_weights(), SPEC.centre)


@pytest.fixture(scope="module")
def float32() -> bytes:
    return to_flatbuffer(build_network(WEIGHTS, SPEC.input_hw), "float32")


@pytest.fixture(scope="module")
def ranges(float32: bytes) -> dict[int, Range]:
    graph = Graph(float32)
    return choose_ranges(graph, observe(graph, Pictures(tuple(PIXELS), SPEC.centre)), SPEC.centre)


def to_int8(graph: Graph, ranges: dict[int, Range]) -> bytes:
    quantize_graph(graph, ranges, round_convolutions(graph), FLOATS)
    return graph.pack()


def error(flatbuffer: bytes, float32: bytes) -> float:
    """Mean square over all outputs, each in units of its float values."""
    pictures = PIXELS.astype(np.float32) - SPEC.centre
    how = tensor_quantization(flatbuffer)
    errors = []
    for meant, said in zip(
        run(float32, pictures[:, None]), run(flatbuffer, (pictures[:, None] - 13).astype(np.int8)), strict=True
    ):
        for name, (scale, zero_point) in how.items():
            if name in meant:
                real = (said[name].astype(np.float32) - zero_point) * scale
                errors.append(np.mean((real - meant[name]) ** 2) / np.mean(meant[name] ** 2))
    return float(np.mean(errors))


def test_the_best_moment_may_be_the_first_and_the_input_keeps_its_range(
    float32: bytes, ranges: dict[int, Range]
) -> None:
    graph = Graph(float32)
    spans = tune(graph, ranges, FLOATS, WEIGHTS, SCENES, PLAN._replace(steps=1, rate=1e3))
    assert spans[graph.inputs[0]] == ranges[graph.inputs[0]]  # a camera byte stays a tensor byte
    assert list(spans) == list(ranges)
    for number, conv in round_convolutions(Graph(float32)).items():  # so wild a step makes nothing better
        np.testing.assert_array_equal(round_convolutions(graph)[number].weights, conv.weights)


def test_an_original_teaches_instead_of_the_network_itself(float32: bytes, ranges: dict[int, Range]) -> None:
    chance = np.random.default_rng(1)
    layers = {
        name: Layer(one.kernel, one.bias + chance.normal(0, 0.3, one.bias.shape))
        for name, one in WEIGHTS.layers.items()
    }
    changed = Graph(to_flatbuffer(build_network(WEIGHTS.with_layers(layers), SPEC.input_hw), "float32"))
    before = error(to_int8(Graph(changed.pack()), ranges), float32)
    spans = tune(
        changed, ranges, FLOATS, WEIGHTS.with_layers(layers), SCENES, PLAN._replace(steps=20), original=WEIGHTS
    )
    assert error(to_int8(changed, spans), float32) < 0.95 * before


@pytest.mark.slow
def test_a_tuned_file_is_closer_to_float_and_the_same_every_time(float32: bytes, ranges: dict[int, Range]) -> None:
    def tuned() -> bytes:
        graph = Graph(float32)
        return to_int8(graph, tune(graph, ranges, FLOATS, WEIGHTS, SCENES, PLAN))

    first = tuned()
    assert first == tuned()
    assert error(first, float32) < error(to_int8(Graph(float32), ranges), float32)
