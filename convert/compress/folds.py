"""What each leaky relu is worth: a relu is part of the convolution before it, a leaky one a pass of its own."""

from collections.abc import Sequence

import numpy as np

from convert.backend import keras, tf
from convert.compress.units import leaky_convolutions
from convert.distill.loss import loss_parts
from convert.progress import watch
from convert.weights import Weights
from edge_retinaface.data import U8

VIEWS = 60
# of the loss when the leak goes, in the unit of the metric's errors: of a network that training has had its turn with
ERROR = 9.0


class _Switch(keras.layers.Layer):  # type: ignore[misc] # keras has no types
    """A leaky relu whose slope can be changed."""

    def __init__(self, slope: tf.Variable, name: str) -> None:
        super().__init__(name=name)
        self.slope = slope

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Any float tensor."""
        return tf.maximum(x, self.slope * x)


def fold_errors(network: keras.Model, weights: Weights, batches: Sequence[U8]) -> dict[str, float]:
    """What is lost when the activation after a convolution becomes a relu, by convolution that has a leaky one.

    Measured: each in turn, on uint8 (batch, H, W, 3) views of the network's size and batch.
    """
    leak = weights.family.structure.slope
    slopes = {name: tf.Variable(leak, trainable=False) for name in leaky_convolutions(weights)}

    def switch(layer: keras.layers.Layer) -> keras.layers.Layer:
        name = layer.name.removesuffix(".activation")
        if name in slopes and layer.name != name:
            return _Switch(slopes[name], layer.name)
        return type(layer).from_config(layer.get_config())

    changed = keras.models.clone_model(network, clone_function=switch)
    changed.set_weights(network.get_weights())
    subtract = tf.constant(weights.family.mean, tf.float32)

    def compare(batch: tf.Tensor) -> tf.Tensor:
        pixels = tf.cast(batch, tf.float32) - subtract
        return tf.add_n(loss_parts(network(pixels, training=False), changed(pixels, training=False), ()))

    run = tf.function(compare)
    some = [tf.constant(one) for one in batches[: -(-VIEWS // len(batches[0]))]]
    errors = {}
    for name, slope in watch(slopes.items(), "measuring activations", len(slopes)):
        slope.assign(0.0)
        errors[name] = ERROR * float(np.mean([run(one) for one in some]))
        slope.assign(leak)
    return errors
