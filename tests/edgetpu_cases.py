"""Small real models, and operations made by hand, for the Edge TPU tests."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from convert.backend import keras, tf
from convert.edgetpu.graph import Graph, Op, Tensor
from convert.streams import silence


def int8_model(model: keras.Model, *, float_ends: bool = False) -> bytes:
    """A Keras model with one input as TFLite, quantized on noise."""
    shape = (1, *model.input_shape[1:])
    chance = np.random.default_rng(3)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([chance.normal(size=shape).astype(np.float32)] for _ in range(2))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if not float_ends:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with silence(), warnings.catch_warnings(action="ignore"):  # it warns of what it is told to do
        return bytes(converter.convert())


def build(layers: Callable[[Any], Any], shape: tuple[int, ...]) -> keras.Model:
    """A Keras model of batch 1."""
    picture = keras.Input(shape, batch_size=1)
    return keras.Model(picture, layers(picture))


def tensor(*shape: int, dtype: str = "INT8", data: bytes | None = None) -> Tensor:
    """A quantized tensor."""
    return Tensor("t", shape, dtype, scales=1 if dtype in ("INT8", "UINT8") else 0, data=data)


def setting(*values: int) -> Tensor:
    """A constant of int32: axes, sizes, paddings."""
    return Tensor("c", (len(values),), "INT32", 0, np.array(values, np.int32).tobytes())


def chain(*ops: tuple[str, list[Tensor | None], Tensor, dict[str, int]]) -> Graph:
    """Operations in a row, each reading the one before: (name, its inputs, its output, its options)."""
    made = []
    for index, (name, inputs, output, options) in enumerate(ops):
        holder = type("Options", (), options)() if options else None
        reads = (index,) if any(one and one.data is None for one in inputs) else ()
        made.append(Op(index, name, "", 1, tuple(inputs), (output,), reads, (index + 1,), holder))
    return Graph(tuple(made), 0, 1)
