import numpy as np
import pytest
from convert_weights import random_weights
from hypothesis import given
from hypothesis import strategies as st

from convert.backend import schema
from convert.calibrate import Pictures
from convert.graph import CONVOLUTIONS, Graph, run
from convert.int8 import (
    SAME_SCALE,
    VERSIONS,
    Range,
    affine,
    quantize_graph,
    round_convolutions,
    round_weights,
)
from convert.network import build_network
from convert.observe import BINS, LEAST_LOGIT, Spread, observe
from convert.ranges import Balance, choose_ranges
from convert.tflite import to_flatbuffer
from convert.weights import centre_input
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert
SPEC = ModelSpec((64, 96))
PICTURES = Pictures.letterboxed(np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), np.uint8), SPEC)


@pytest.fixture(scope="module")
def float32() -> bytes:
    return to_flatbuffer(build_network(centre_input(random_weights(), SPEC.centre), SPEC.input_hw), "float32")


@pytest.fixture(scope="module")
def spreads(float32: bytes) -> dict[int, Spread]:
    return observe(Graph(float32), PICTURES)


def to_int8(float32: bytes, spreads: dict[int, Spread], floats: range = range(0)) -> Graph:
    graph = Graph(float32)
    quantize_graph(graph, choose_ranges(graph, spreads, SPEC.centre), round_convolutions(graph), floats)
    return graph


def scale_of(graph: Graph, tensor: int) -> tuple[float, int]:
    quantization = graph.tensors[tensor].quantization
    return float(quantization.scale[0]), int(quantization.zeroPoint[0])


def test_camera_bytes_get_scale_one() -> None:
    assert affine(Range(-115, 140)) == (1.0, -13)


def test_a_tensor_that_is_always_zero_has_a_scale() -> None:
    assert affine(Range(0, 0)) == (1.0, -128)


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_every_value_in_a_range_is_half_a_step_from_an_int8_value_and_zero_is_one(low: float, width: float) -> None:
    span = Range(low, low + width)
    scale, zero_point = affine(span)
    assert -128 <= zero_point <= 127
    for value in (span.low, span.high, 0.0):
        rounded = np.clip(round(value / scale + zero_point), -128, 127)
        assert abs((rounded - zero_point) * scale - value) <= 1.01 * scale


@pytest.mark.parametrize("depthwise", [False, True])
def test_each_channel_of_weights_uses_the_whole_of_int8(depthwise: bool) -> None:
    kernel = np.random.default_rng(1).normal(size=(1, 3, 3, 8) if depthwise else (8, 3, 3, 4)).astype(np.float32)
    kernel *= np.geomspace(1e-3, 1e3, 8, dtype=np.float32).reshape((8,) if depthwise else (8, 1, 1, 1))
    rounded, scales = round_weights(kernel, depthwise=depthwise)
    axes = (0, 1, 2) if depthwise else (1, 2, 3)
    assert np.abs(rounded.astype(int)).max(axis=axes).tolist() == [127] * 8
    back = rounded * (scales if depthwise else scales[:, None, None, None])
    assert (np.abs(back - kernel).max(axis=axes) <= scales * 0.5001).all()


def test_nothing_but_constants_of_shape_and_bias_is_left_that_is_not_int8(
    float32: bytes, spreads: dict[int, Spread]
) -> None:
    graph = to_int8(float32, spreads)
    kinds = {graph.kind(one) for one in graph.operators}
    assert kinds.isdisjoint({"QUANTIZE", "DEQUANTIZE"})
    made = [int(one.outputs[0]) for one in graph.operators]
    assert {graph.tensors[tensor].type for tensor in (*graph.inputs, *made)} == {schema.TensorType.INT8}


def test_padding_resizing_and_concatenation_keep_the_scale(float32: bytes, spreads: dict[int, Spread]) -> None:
    graph = to_int8(float32, spreads)
    for operator in graph.operators:
        if graph.kind(operator) in SAME_SCALE:
            tensors = [*map(int, operator.inputs), *map(int, operator.outputs)]
            values = [one for one in tensors if graph.tensors[one].type == schema.TensorType.INT8]
            assert len({scale_of(graph, one) for one in values}) == 1


def test_a_bias_has_the_scale_of_its_input_times_its_weights(float32: bytes, spreads: dict[int, Spread]) -> None:
    graph = to_int8(float32, spreads)
    for operator in graph.convolutions():
        source, weights, bias = map(int, operator.inputs)
        wanted = scale_of(graph, source)[0] * np.asarray(graph.tensors[weights].quantization.scale, np.float64)
        np.testing.assert_allclose(graph.tensors[bias].quantization.scale, wanted, rtol=1e-5)
        assert graph.tensors[bias].type == schema.TensorType.INT32


def test_operators_ask_for_the_version_that_knows_int8(float32: bytes, spreads: dict[int, Spread]) -> None:
    graph = to_int8(float32, spreads)
    found = {graph.kind(one): graph.model.operatorCodes[one.opcodeIndex].version for one in graph.operators}
    assert {kind: version for kind, version in VERSIONS.items() if kind in found} == {
        kind: found[kind] for kind in VERSIONS if kind in found
    }


def test_operators_that_stay_float_are_bridged_once_on_each_side(float32: bytes, spreads: dict[int, Spread]) -> None:
    convolutions = [
        number for number, one in enumerate(Graph(float32).operators) if Graph(float32).kind(one) in CONVOLUTIONS
    ]
    graph = to_int8(float32, spreads, range(convolutions[0] + 1, convolutions[4]))
    kinds = [graph.kind(one) for one in graph.operators]
    assert (kinds.count("DEQUANTIZE"), kinds.count("QUANTIZE")) == (1, 1)
    picture = (PICTURES.tensors[0][None] ^ 0x80).view(np.int8)
    (outputs,) = run(graph.pack(), [picture])
    assert {values.dtype for values in outputs.values()} == {np.dtype(np.int8)}


def test_a_part_of_a_graph_gives_what_the_whole_gives(float32: bytes) -> None:
    graph = Graph(float32)
    middle = int(graph.operators[20].outputs[0])
    name = graph.tensors[middle].name.decode()
    everything = graph.pack(int(one.outputs[0]) for one in graph.operators)
    inputs = list(PICTURES.inputs("running"))[:1]
    (whole,), (part,) = run(everything, inputs), run(graph.pack([middle]), inputs)
    np.testing.assert_allclose(part[name], whole[name], rtol=1e-5, atol=1e-5)
    assert len(Graph(graph.pack([middle])).operators) == 21


def test_a_spread_counts_every_value_and_heads_only_those_that_can_be_faces(
    float32: bytes, spreads: dict[int, Spread]
) -> None:
    graph = Graph(float32)
    first = int(graph.operators[1].outputs[0])
    assert spreads[first].counts.sum() == 4 * np.prod(graph.tensors[first].shape)
    scores = next(tensor for tensor in graph.outputs if graph.tensors[tensor].name == b"scores_8")
    assert spreads[scores].low >= LEAST_LOGIT


def spread_of(values: list[float]) -> Spread:
    low, high = min(values), max(values)
    counts, _ = np.histogram(values, BINS, (low, high))
    return Spread(low, high, counts.astype(np.float64))


def test_an_even_spread_is_not_clipped_and_a_lonely_value_is(float32: bytes, spreads: dict[int, Spread]) -> None:
    graph = Graph(float32)
    tensor = next(
        int(one.outputs[0])
        for one in graph.operators
        if graph.slope(int(one.outputs[0])) == 1 and graph.kind(one) == "ADD"
    )
    even = choose_ranges(graph, {**spreads, tensor: spread_of([*np.linspace(-1, 1, 5000)])}, 115, Balance(2.0, 1.0))
    assert even[tensor] == (pytest.approx(-1), pytest.approx(1))
    rare = choose_ranges(
        graph, {**spreads, tensor: spread_of([*np.linspace(-1, 1, 2_000_000), 3.0])}, 115, Balance(2.0, 1.0)
    )
    assert rare[tensor].high < 2


def test_what_a_leaky_relu_shrinks_may_be_clipped_more(float32: bytes, spreads: dict[int, Spread]) -> None:
    graph = Graph(float32)
    before = next(int(one.inputs[0]) for one in graph.operators if graph.kind(one) == "LEAKY_RELU")
    assert graph.slope(before) == pytest.approx(0.1)
    normal = spread_of([*np.random.default_rng(2).normal(size=50000)])
    after = next(int(one.outputs[0]) for one in graph.operators if graph.kind(one) == "LEAKY_RELU")
    ranges = choose_ranges(graph, {**spreads, before: normal, after: normal}, 115, Balance(2.0, 1.0))
    assert ranges[before].low > ranges[after].low
