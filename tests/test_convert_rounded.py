import numpy as np
import pytest
from convert_weights import random_weights

from convert.backend import tf
from convert.calibrate import Pictures
from convert.distill.rounded import RoundedNetwork, round_kernel
from convert.graph import Graph, run
from convert.int8 import Range, quantize_graph, round_convolutions, round_weights
from convert.network import Target, build_network
from convert.observe import observe
from convert.ranges import choose_ranges
from convert.tflite import to_flatbuffer
from convert.weights import centre_input
from edge_retinaface.data import F32
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert
SPEC = ModelSpec((64, 96))
PICTURES = Pictures.letterboxed(np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), np.uint8), SPEC)


def made_float(input_hw: tuple[int, int] = SPEC.input_hw, target: Target = "cpu") -> bytes:
    return to_flatbuffer(build_network(centre_input(random_weights(), SPEC.centre), input_hw, target), "float32")


@pytest.fixture(scope="module")
def float32() -> bytes:
    return made_float()


@pytest.fixture(scope="module")
def ranges(float32: bytes) -> dict[int, Range]:
    graph = Graph(float32)
    return choose_ranges(graph, observe(graph, PICTURES), SPEC.centre)


def first_picture() -> F32:
    return next(PICTURES.inputs("test"))


def test_with_everything_float_it_says_what_tflite_says(float32: bytes, ranges: dict[int, Range]) -> None:
    graph = Graph(float32)
    said = RoundedNetwork(graph, ranges, range(len(graph.operators)))(first_picture())
    [meant] = run(float32, [first_picture()])
    for name, values in meant.items():
        assert np.abs(said[name] - values).max() < 1e-4 * np.abs(values).max()


@pytest.mark.parametrize(("target", "floats"), [("cpu", range(0)), ("cpu", range(1, 3)), ("edgetpu", range(0))])
def test_it_rounds_where_the_int8_file_rounds(target: Target, floats: range) -> None:
    flatbuffer = made_float(target=target)
    ours, real = Graph(flatbuffer), Graph(flatbuffer)
    spans = choose_ranges(ours, observe(Graph(flatbuffer), PICTURES), SPEC.centre)
    early = int(ours.operators[4].outputs[0])  # later ones differ by what a single rounding grows to on its way
    for graph in (ours, real):
        graph.model.subgraphs[0].outputs = np.array([early], np.int32)
    quantize_graph(real, spans, round_convolutions(real), floats)
    [(name, found)] = next(run(real.pack(), [(first_picture() - 13).astype(np.int8)])).items()
    how = real.tensors[early].quantization
    said = np.asarray(RoundedNetwork(ours, spans, floats)(first_picture())[name]) / how.scale[0] + how.zeroPoint[0]
    apart = np.abs(said - found) > 1 / 2
    assert apart.mean() < 0.1
    assert (said != 0).mean() > 0.5


def test_what_is_written_is_what_was_trained_also_at_another_size(float32: bytes, ranges: dict[int, Range]) -> None:
    student = RoundedNetwork(Graph(float32), ranges)
    for variable in student.trainable_variables:
        variable.assign(variable + 0.01)
    larger = Graph(made_float((96, 128)))
    spans = student.write(larger)
    assert spans[larger.inputs[0]] == (-115, 140)
    again = RoundedNetwork(larger, spans)
    for one, other in zip(student.trainable_variables, again.trainable_variables, strict=True):
        if not one.name.startswith("range"):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-6)
    changed = [tensor for tensor, span in spans.items() if span.high > ranges[tensor].high * 1.005]
    assert len(changed) > 100


def test_everything_learns_and_what_stays_float_has_no_range_to_learn(float32: bytes, ranges: dict[int, Range]) -> None:
    whole, mixed = (RoundedNetwork(Graph(float32), ranges, floats) for floats in (range(0), range(1, 12)))
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(one**2) for one in mixed(first_picture()).values()])
    learned = [one.value for one in mixed.trainable_variables]
    assert all(one is not None for one in tape.gradient(loss, learned))
    assert len(whole.trainable_variables) - len(learned) == 9


@pytest.mark.parametrize("depthwise", [False, True])
def test_kernels_are_rounded_as_the_file_stores_them(depthwise: bool) -> None:
    shape = (3, 3, 8, 1) if depthwise else (3, 3, 4, 8)
    kernel = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    stored, scales = round_weights(kernel.transpose(3, 0, 1, 2), depthwise=depthwise)
    real = (stored * (scales if depthwise else scales[:, None, None, None])).transpose(1, 2, 3, 0)
    np.testing.assert_allclose(np.asarray(round_kernel(kernel, depthwise=depthwise)), real, atol=1e-5)
