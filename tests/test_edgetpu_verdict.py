"""What the Edge TPU's compiler maps, operation by operation."""

import math

import pytest

pytest.importorskip("tensorflow")

from edgetpu_cases import build, chain, int8_model, setting, tensor
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.backend import keras, tf
from convert.edgetpu.graph import Graph, Op, read_graph
from convert.edgetpu.macs import count_macs
from convert.edgetpu.status import DATA_TYPE, LATER, MAPPED, PRECISION, RANK, STRIDES, UNSPECIFIED, UNSUPPORTED
from convert.edgetpu.table import TABLE
from convert.edgetpu.verdict import Verdict, predict
from edge_retinaface.errors import ModelError

pytestmark = pytest.mark.convert
layers = keras.layers


def judge(content: bytes) -> Verdict:
    return predict(read_graph(content, "a test model"))


def told(verdict: Verdict) -> dict[str, str]:
    """The last status of each kind of operation."""
    return {one.op.name: one.status for one in verdict.ops}


def only(name: str, inputs: list, output: object, **options: int) -> tuple[str, str]:
    (one,) = predict(chain((name, inputs, output, options))).ops
    return one.status, one.reason


def test_an_empty_graph_maps_nothing_and_is_refused_as_not_quantized() -> None:
    verdict = predict(Graph((), 0, 1))
    assert (verdict.mapped, verdict.share, verdict.refusal) == (0, 0.0, "Model not quantized")


def test_an_ordinary_network_maps_but_for_the_float_ends() -> None:
    def network(x: object) -> object:
        x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6")(x)
        y = layers.DepthwiseConv2D(3, padding="same")(x)
        x = layers.Concatenate()([layers.Add()([x, y]), layers.MaxPooling2D(1)(x)])
        x = layers.AveragePooling2D(2)(x)
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        return layers.Softmax()(layers.Dense(10)(layers.Reshape((16,))(x)))

    verdict = judge(int8_model(build(network, (16, 16, 3)), float_ends=True))
    apart = {one.op.name for one in verdict.ops if not one.mapped}
    assert apart == {"QUANTIZE", "DEQUANTIZE"}
    assert told(verdict)["QUANTIZE"] == UNSPECIFIED
    assert told(verdict)["DEQUANTIZE"] == DATA_TYPE
    assert verdict.share == 1.0
    # 8 x 8 x 8 results of 3 x 3 x 3, 8 x 8 x 8 of 3 x 3, 10 of 16
    assert sum(one.macs for one in verdict.ops) == 512 * 27 + 512 * 9 + 160


def test_all_behind_the_first_unsupported_operation_stays_but_another_branch_maps() -> None:
    def network(x: object) -> object:
        left = layers.LeakyReLU(0.1)(layers.Conv2D(4, 1)(x))
        right = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        return layers.Conv2D(2, 1)(layers.Add()([left, right]))

    verdict = judge(int8_model(build(network, (8, 8, 3))))
    assert [(one.op.name, one.status) for one in verdict.ops if one.op.name != "CONV_2D"] == [
        ("LEAKY_RELU", UNSUPPORTED),
        ("ADD", LATER),
    ]
    assert sorted(one.status for one in verdict.ops if one.op.name == "CONV_2D") == [MAPPED, MAPPED, LATER]
    first, second, last = 64 * 3 * 4, 64 * 27 * 4, 64 * 4 * 2
    assert verdict.share == pytest.approx((first + second) / (first + second + last))
    assert "edgetpu" in next(one.reason for one in verdict.ops if one.op.name == "LEAKY_RELU")


def test_prelu_maps_with_one_slope_a_channel_and_not_with_one_a_pixel() -> None:
    slopes = keras.initializers.Constant(0.1)
    shared = build(lambda x: layers.PReLU(slopes, shared_axes=[1, 2])(layers.Conv2D(4, 1)(x)), (8, 8, 3))
    apart = build(lambda x: layers.PReLU(slopes)(layers.Conv2D(4, 1)(x)), (8, 8, 3))
    assert told(judge(int8_model(shared)))["PRELU"] == MAPPED
    assert told(judge(int8_model(apart)))["PRELU"] == UNSPECIFIED


def test_a_picture_enlarged_33_to_513_stays_and_one_doubled_maps() -> None:
    def network(x: object) -> object:
        x = tf_layer(lambda y: tf.image.resize(y, (66, 66)), (66, 66))(layers.Conv2D(2, 1)(x))
        x = tf_layer(lambda y: tf.image.resize(y, (132, 132), "nearest"), (132, 132))(x)
        x = tf_layer(lambda y: tf.compat.v1.image.resize_bilinear(y, (2060, 2060)), (2060, 2060))(x)
        return tf_layer(lambda y: tf.argmax(y, axis=3, output_type=tf.int32), ())(x)

    def tf_layer(function: object, _: tuple[int, ...]) -> object:
        return layers.Lambda(function)

    verdict = judge(int8_model(build(network, (33, 33, 3)), float_ends=True))
    resizes = [one.status for one in verdict.ops if "RESIZE" in one.op.name]
    assert resizes == [MAPPED, MAPPED, PRECISION]
    assert told(verdict)["ARG_MAX"] == UNSUPPORTED


def test_a_float_model_is_refused_whole() -> None:
    converter = tf.lite.TFLiteConverter.from_keras_model(build(layers.Conv2D(2, 1), (8, 8, 3)))
    verdict = judge(converter.convert())
    assert (verdict.refusal, verdict.mapped) == ("Model not quantized", 0)


def test_a_result_sized_at_run_time_refuses_the_file() -> None:
    picture, shape = tensor(1, 4, 4, 2), tensor(2, dtype="INT32")
    verdict = predict(chain(("RESHAPE", [picture, shape], tensor(1, 32), {})))
    assert "static-sized" in verdict.refusal
    assert verdict.mapped == 0


@pytest.mark.parametrize(
    ("op", "refusal"),
    [
        (Op(0, "CONV_2D", "", 6, (tensor(1, 4, 4, 1),), (tensor(1, 4, 4, 1),), (0,), (1,), None), "version '6'"),
        (Op(0, "FULLY_CONNECTED", "", 12, (tensor(1, 4),), (tensor(1, 4),), (0,), (1,), None), "version '12'"),
        (Op(0, "CUSTOM", "Atan", 1, (tensor(1, 4),), (tensor(1, 4),), (0,), (1,), None), "custom op: Atan"),
        (Op(0, "BUILTIN_250", "", 1, (tensor(1, 4),), (tensor(1, 4),), (0,), (1,), None), "out of range"),
    ],
)
def test_what_its_tensorflow_lite_does_not_know_refuses_the_file(op: Op, refusal: str) -> None:
    assert refusal in predict(Graph((op,), 0, 1)).refusal


def test_a_detection_post_processing_stays_on_the_processor_and_the_rest_maps() -> None:
    conv = Op(0, "RELU", "", 1, (tensor(1, 4),), (tensor(1, 4),), (0,), (1,), None)
    back = Op(1, "DEQUANTIZE", "", 2, (tensor(1, 4),), (tensor(1, 4, dtype="FLOAT32"),), (1,), (2,), None)
    floats = tensor(1, 4, dtype="FLOAT32")
    post = Op(2, "CUSTOM", "TFLite_Detection_PostProcess", 1, (floats,), (floats,), (2,), (3,), None)
    verdict = predict(Graph((conv, back, post), 0, 1))
    assert [one.status for one in verdict.ops] == [MAPPED, DATA_TYPE, DATA_TYPE]


def test_a_compiled_model_is_recognised_and_what_it_left_counted() -> None:
    done = Op(0, "CUSTOM", "edgetpu-custom-op", 1, (tensor(1, 4),), (tensor(1, 4),), (0,), (1,), None)
    left = Op(1, "ARG_MAX", "", 1, (tensor(1, 4),), (tensor(1, dtype="INT32"),), (1,), (2,), None)
    verdict = predict(Graph((done, left), 0, 1))
    assert verdict.compiled
    assert [one.mapped for one in verdict.ops] == [True, False]


A = tensor(1, 8, 8, 4)


@pytest.mark.parametrize(
    ("name", "inputs", "output", "options", "status"),
    [
        ("CONV_2D", [A, tensor(4, 3, 3, 4, data=b"1")], A, {"dilationHFactor": 2, "dilationWFactor": 2}, MAPPED),
        ("CONV_2D", [A, tensor(4, 3, 3, 4, data=b"1")], A, {"dilationHFactor": 2, "dilationWFactor": 1}, UNSPECIFIED),
        ("CONV_2D", [A, tensor(4, 3, 3, 4)], A, {}, UNSPECIFIED),  # weights that are computed
        ("MAX_POOL_2D", [A], A, {"fusedActivationFunction": 1}, UNSPECIFIED),
        ("ADD", [A, A], A, {"fusedActivationFunction": 1}, MAPPED),
        ("ADD", [tensor(2, 8, 8, 4)] * 2, tensor(2, 8, 8, 4), {}, RANK),
        ("ADD", [tensor(1, 8, 8, 4, dtype="INT16")] * 2, A, {}, DATA_TYPE),
        ("ADD", [tensor(1, 8, 8, 4, dtype="UINT8")] * 2, tensor(1, 8, 8, 4, dtype="UINT8"), {}, MAPPED),
        ("CONCATENATION", [A, tensor(1, 8, 8, 4, data=bytes(256))], tensor(1, 8, 8, 8), {"axis": 3}, MAPPED),
        ("CONCATENATION", [A, tensor(1, 8, 8, 4, data=b"1")], tensor(1, 8, 8, 8), {"axis": 3}, UNSPECIFIED),
        ("CONCATENATION", [A, A, tensor(1, 8, 8, 4, data=bytes(256))], A, {"axis": 3}, UNSPECIFIED),
        ("FULLY_CONNECTED", [tensor(1, 16), tensor(4, 16, data=b"1")], tensor(1, 4), {}, MAPPED),
        ("FULLY_CONNECTED", [tensor(3, 16), tensor(4, 16, data=b"1")], tensor(3, 4), {}, UNSPECIFIED),
        ("MEAN", [A, setting(1, 2)], tensor(1, 4), {}, MAPPED),
        ("MEAN", [A, setting(0)], tensor(8, 8, 4), {}, UNSPECIFIED),
        ("MEAN", [A, setting(-1)], tensor(1, 8, 8), {}, MAPPED),
        ("MEAN", [tensor(1, 8, 8, 6), setting(3)], tensor(1, 8, 8), {}, UNSPECIFIED),
        ("MEAN", [tensor(1, 256, 128, 3), setting(1, 2)], tensor(1, 3), {}, UNSPECIFIED),
        ("PAD", [A, setting(0, 0, 1, 1, 1, 1, 0, 0)], tensor(1, 10, 10, 4), {}, MAPPED),
        ("PAD", [tensor(1, 8, 4), setting(0, 1, 0, 0, 0, 0)], tensor(2, 8, 4), {}, UNSPECIFIED),
        ("PACK", [tensor(1, 8, 4)] * 2, tensor(1, 2, 8, 4), {"axis": 1}, MAPPED),
        ("PACK", [tensor(8, 4), tensor(8, 4)], tensor(2, 8, 4), {"axis": 0}, UNSPECIFIED),
        ("SPLIT", [setting(3), A], tensor(1, 8, 8, 2), {"numSplits": 2}, MAPPED),
        ("SPLIT", [setting(0), tensor(2, 8, 4)], tensor(1, 8, 4), {"numSplits": 2}, UNSPECIFIED),
        ("SOFTMAX", [tensor(1, 1001)], tensor(1, 1001), {}, MAPPED),
        ("SOFTMAX", [tensor(1, 4200, 2)], tensor(1, 4200, 2), {}, UNSPECIFIED),
        ("SOFTMAX", [tensor(1, 16001)], tensor(1, 16001), {}, UNSPECIFIED),
        ("STRIDED_SLICE", [A, setting(0, 0), setting(1, 8), setting(1, 1)], A, {}, MAPPED),
        ("STRIDED_SLICE", [A, setting(0, 0), setting(1, 8), setting(1, 2)], A, {}, STRIDES),
        ("STRIDED_SLICE", [A, setting(0, 0), setting(1, 8), setting(1, 1)], A, {"newAxisMask": 1}, UNSPECIFIED),
        ("TRANSPOSE", [A, setting(0, 2, 1, 3)], A, {}, MAPPED),
        ("TRANSPOSE", [tensor(1, 224, 224, 3), setting(0, 3, 1, 2)], tensor(1, 3, 224, 224), {}, UNSPECIFIED),
        ("TRANSPOSE_CONV", [setting(1, 64, 64, 512), tensor(512, 2, 2, 1024, data=b"1"), tensor(1, 32, 32, 1024)],
         tensor(1, 64, 64, 512), {}, UNSPECIFIED),
        ("RESIZE_BILINEAR", [tensor(1, 1, 1, 256), setting(33, 33)], tensor(1, 33, 33, 256), {}, MAPPED),
        ("RESIZE_BILINEAR", [tensor(1, 256, 256, 32), setting(512, 512)], tensor(1, 512, 512, 32), {}, UNSPECIFIED),
        ("QUANTIZE", [A], tensor(1, 8, 8, 4, dtype="UINT8"), {}, MAPPED),
        ("LOGISTIC", [A], A, {}, MAPPED),
        ("HARD_SWISH", [A], A, {}, UNSUPPORTED),
        ("CAST", [A], A, {}, UNSUPPORTED),
    ],
)  # fmt: skip
def test_each_restriction_of_the_table(
    name: str, inputs: list, output: object, options: dict[str, int], status: str
) -> None:
    assert only(name, inputs, output, **options)[0] == status


def test_the_table_names_only_operations_that_tflite_has() -> None:
    assert [name for name in TABLE if not hasattr(tf.lite, name) and name not in vars(schema_names())] == []


def schema_names() -> type:
    from convert.backend import schema  # noqa: PLC0415 # only this test reads it

    return schema.BuiltinOperator


@given(st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 19), max_size=3)), max_size=20))
def test_nothing_mapped_waits_for_anything_that_is_not(graph: list[tuple[bool, set[int]]]) -> None:
    """Only what ran before the mapped set, all of it on the processor, may feed it."""
    ops = []
    for index, (supported, reads) in enumerate(graph):
        before = tuple(one + 1 for one in reads if one < index) or (0,)
        name = "RELU" if supported else "ARG_MAX"
        ops.append(Op(index, name, "", 1, (tensor(1, 4),) * len(before), (tensor(1, 4),), before, (index + 1,), None))
    verdict = predict(Graph(tuple(ops), 0, 1))
    mapped = {one.op.index + 1 for one in verdict.ops if one.mapped}
    head = {one.op.index + 1 for one in verdict.ops if not one.mapped and not any(r in mapped for r in one.op.reads)}
    for one in verdict.ops:
        if one.mapped:
            assert all(read in mapped or read in head or read == 0 for read in one.op.reads)
            assert one.op.name == "RELU"
    assert bool(mapped) == any(op.name == "RELU" for op in ops)


def test_macs_are_results_times_weights() -> None:
    conv = chain(("CONV_2D", [A, tensor(4, 3, 3, 4, data=b"1")], A, {})).ops[0]
    turned = chain(("TRANSPOSE_CONV", [setting(1), tensor(2, 3, 3, 4, data=b"1"), A], tensor(1, 16, 16, 2), {})).ops[0]
    assert count_macs(conv) == math.prod((8, 8, 4, 3, 3, 4))
    assert count_macs(turned) == math.prod((8, 8, 2, 3, 3, 4))


@pytest.fixture(scope="module")
def tiny() -> bytes:
    return int8_model(build(layers.Conv2D(2, 1), (4, 4, 3)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=3, max_size=3), st.integers(0, 2**20))
def test_a_damaged_file_is_one_clear_error_or_a_verdict(tiny: bytes, damage: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(tiny)
    for place, value in damage:
        content[8 + place % (len(content) - 8)] = value
    try:
        judge(bytes(content[: 8 + cut % (len(content) - 7)]))
    except ModelError as error:
        assert "wanted a TFLite model" in str(error)  # noqa: PT017 # most damage shows, some does not
