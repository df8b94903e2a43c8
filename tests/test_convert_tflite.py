"""What of TensorFlow's is private and the converter leans on: when one fails, look at convert/tflite.py."""

import flatbuffers
import numpy as np
import pytest
from convert_weights import random_weights

from convert.backend import schema, tf
from convert.layout import HEADS
from convert.network import build_network
from convert.tflite import name_tensors, pack, tensor_quantization, to_flatbuffer, unpack
from convert.weights import centre_input
from edge_retinaface.errors import ModelError

pytestmark = pytest.mark.convert


@pytest.fixture(scope="module")
def float32() -> bytes:
    return to_flatbuffer(build_network(centre_input(random_weights(), 115), (64, 96)), "float32")


def test_the_schema_module_still_has_the_objects_we_edit(float32: bytes) -> None:
    assert hasattr(schema.ModelT, "InitFromPackedBuf")
    model = unpack(float32)
    assert {"subgraphs", "signatureDefs", "buffers", "operatorCodes"} <= set(vars(model))
    assert {"tensors", "inputs", "outputs", "operators"} <= set(vars(model.subgraphs[0]))
    assert callable(flatbuffers.Builder(1).Finish)


def test_the_converter_still_names_a_dictionary_of_outputs_in_its_signature() -> None:
    network = build_network(random_weights(), (16, 16))
    model = unpack(bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert()))
    [signature] = model.signatureDefs
    assert {one.name.decode() for one in signature.inputs} == {"image"}
    assert {one.name.decode() for one in signature.outputs} == set(HEADS)


def test_tensors_are_named_and_ordered_as_the_layout_says(float32: bytes) -> None:
    graph = unpack(float32).subgraphs[0]
    assert [graph.tensors[index].name.decode() for index in graph.outputs] == list(HEADS)
    assert [graph.tensors[index].name.decode() for index in graph.inputs] == ["image"]
    assert graph.tensors[graph.outputs[1]].shape.tolist() == [1, 8, 12, 2]


def test_packing_keeps_every_tensor_and_buffer(float32: bytes) -> None:
    before, after = unpack(float32), unpack(pack(unpack(float32)))
    assert len(before.buffers) == len(after.buffers)
    for one, other in zip(before.buffers, after.buffers, strict=True):
        np.testing.assert_array_equal(one.data, other.data)


def test_relu_is_fused_into_the_context_convolutions(float32: bytes) -> None:
    model = unpack(float32)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    operators = [names[model.operatorCodes[one.opcodeIndex].builtinCode] for one in model.subgraphs[0].operators]
    assert "RELU" not in operators
    assert operators.count("CONV_2D") == 43
    assert operators.count("LEAKY_RELU") == 38
    assert operators.count("RESIZE_NEAREST_NEIGHBOR") == 2


def test_float_files_have_no_quantized_input(float32: bytes) -> None:
    assert tensor_quantization(float32)["image"] == (0.0, 0)


def test_a_flatbuffer_without_our_signature_is_refused(float32: bytes) -> None:
    model = unpack(float32)
    signature = schema.SignatureDefT()
    signature.inputs, signature.outputs = [], []
    model.signatureDefs = [signature]
    with pytest.raises(ModelError, match="TFLite signature: wanted image to"):
        name_tensors(pack(model))
