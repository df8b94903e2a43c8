"""Models as our converter and others make them, for the doctor's cases."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import NDArray

from convert.backend import keras, tf
from convert.layout import STRIDES
from convert.network import build_network
from convert.streams import silence
from convert.weights import Weights

SIZE = (256, 256)
Array = NDArray[Any]
Layer = Any  # Keras has no types


def convert(model: keras.Model, pictures: Callable[[], Iterator[Array]] | None = None, kind: str = "int8") -> bytes:
    """A Keras model as TFLite: float32, or fully quantized with inputs of `kind` if there are pictures."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if pictures:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture] for picture in pictures())
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.dtypes.as_dtype(kind)
    with silence(), warnings.catch_warnings(action="ignore"):  # it warns of what it is told to do
        return bytes(converter.convert())


def foreign(weights: Weights, front: Callable[[Any], Any] = lambda x: x) -> keras.Model:
    """The network as others export it, all levels joined; beside the right outputs every way to get them wrong."""
    image = keras.Input((*SIZE, 3), batch_size=1, name="input")
    heads = build_network(weights, SIZE)(front(image))
    layers = keras.layers
    fine = {kind: [heads[f"{kind}_{stride}"] for stride in STRIDES] for kind in ("boxes", "scores", "landmarks")}

    def rows(levels: list[Layer], width: int) -> Layer:
        return layers.Concatenate(axis=1)([layers.Reshape((-1, width))(level) for level in levels])

    def anchors_first(levels: list[Layer], width: int) -> Layer:
        turned = [layers.Reshape((*x.shape[1:3], 2, width))(x) for x in levels]
        return rows([layers.Permute((3, 1, 2, 4))(x) for x in turned], width)

    difference = rows(fine["scores"], 1)
    zeros = layers.Rescaling(0.0)(difference)
    logits = layers.Concatenate()([zeros, difference])
    probabilities = layers.Softmax()(logits)
    outputs = {
        "boxes": rows(fine["boxes"], 4),
        "landmarks": rows(fine["landmarks"], 10),
        "scores": probabilities,
        "logits": logits,
        "twice": layers.Softmax()(probabilities),
        "background": layers.Softmax()(layers.Concatenate()([difference, zeros])),
        "coarse_boxes": rows(fine["boxes"][::-1], 4),
        "coarse_landmarks": rows(fine["landmarks"][::-1], 10),
        "coarse_scores": rows(fine["scores"][::-1], 1),
        "turned_boxes": anchors_first(fine["boxes"], 4),
        "turned_landmarks": anchors_first(fine["landmarks"], 10),
        "turned_scores": anchors_first(fine["scores"], 1),
    }
    return keras.Model(image, outputs)
