"""The TensorFlow Lite converter and the flatbuffer: everything of theirs that is private is used here and only here."""

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import flatbuffers  # type: ignore[import-untyped] # no types in it
import numpy as np

from convert.backend import keras, schema, tf
from convert.layout import HEADS, PICTURE
from convert.streams import silence
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import FLATBUFFER_ID

ConverterMode = Literal["float32", "float16", "dynamic_range"]
Mode = Literal["int8", "mixed", "float32", "float16", "dynamic_range"]  # the first two are made by convert/int8.py


def to_flatbuffer(model: keras.Model, mode: ConverterMode) -> bytes:
    """The network as a TFLite flatbuffer with named tensors; input and outputs are float32."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if mode != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with silence() as heard, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of statistics that only its predecessor needed
        try:
            content = converter.convert()
        except Exception as error:  # noqa: BLE001 # whatever it raises, only its words help
            failure: Exception | None = error
        else:
            failure = None
    if failure:
        said = " ".join(heard.text.strip().splitlines()[-1:])
        raise ModelError(f"TensorFlow Lite's converter failed: {failure} {said}") from failure
    return name_tensors(content)


def name_tensors(content: bytes) -> bytes:
    """The same flatbuffer with input and outputs named and ordered as the layout says, found through its signature.

    The converter calls them StatefulPartitionedCall_1:6 and the like and orders them as it pleases.
    """
    model = unpack(content)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    inputs = {_text(one.name): one.tensorIndex for one in signature.inputs}
    outputs = {_text(one.name): one.tensorIndex for one in signature.outputs}
    if set(inputs) != {PICTURE} or set(outputs) != set(HEADS) or len(set(outputs.values())) != len(HEADS):
        raise ModelError(f"TFLite signature: wanted {PICTURE} to {list(HEADS)}, found {inputs} to {outputs}")
    for name, index in (inputs | outputs).items():
        graph.tensors[index].name = name.encode()
    graph.inputs = np.array([inputs[PICTURE]], np.int32)
    graph.outputs = np.array([outputs[name] for name in HEADS], np.int32)
    model.signatureDefs = None  # the names are on the tensors now; a signature would only repeat them
    return pack(model)


def tensor_quantization(content: bytes) -> Mapping[str, tuple[float, int]]:
    """(scale, zero point) of the named input and outputs; (0.0, 0) for float tensors."""
    graph = unpack(content).subgraphs[0]
    quantization = {}
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        has = tensor.quantization is not None and tensor.quantization.scale is not None
        pair = (float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])) if has else (0.0, 0)
        quantization[_text(tensor.name)] = pair
    return quantization


def unpack(content: bytes) -> Any:  # noqa: ANN401 # generated classes without types
    """The flatbuffer as a tree of objects."""
    return schema.ModelT.InitFromPackedBuf(content, 0)


def pack(model: Any) -> bytes:  # noqa: ANN401 # generated classes without types
    """The bytes of such a tree."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=FLATBUFFER_ID)
    return bytes(builder.Output())


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
