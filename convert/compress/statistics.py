"""What every unit reads, and how much its outputs matter: the metric in which errors are measured.

An error in a convolution's output costs what it changes in the heads, at anchors that see a face or might. To first
order that is the error times the gradient of the heads; random signs on all heads at once give the expected square of
it (a Gauss-Newton metric). It is kept as two covariances a unit, of its inputs and of its outputs' gradients.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from convert.backend import keras, tf
from convert.compress.units import Unit
from convert.layout import HEADS
from convert.progress import watch
from convert.weights import F64
from edge_retinaface.data import U8
from edge_retinaface.spec import ANCHORS_PER_CELL

# what an error of 1 in a head counts, and from which score on: boxes and landmarks are finer than logits
WORTH = {"scores": (1.0, 4.0), "boxes": (2.0, 1.0), "landmarks": (1.0, 1.0)}
FLOOR = 0.01  # what anchors count that see nothing: they must go on doing so


class Metric(NamedTuple):
    """Of one unit; patches are (row, column, channel), outputs those of its convolutions one after the other."""

    mean: F64  # (patch,)
    inputs: F64  # (patch, patch), covariance
    outputs: F64  # (outputs, outputs), mean over the views of the sum of gradients' outer products


def measure(
    network: keras.Model,
    units: Mapping[str, Unit],
    batches: Sequence[U8],
    mean: Sequence[float],
) -> dict[str, Metric]:
    """A metric for every unit. `batches` are uint8 (batch, H, W, 3) views of the network's size and batch."""
    tapped = _tap(network, units)
    chance = tf.random.Generator.from_seed(0)
    subtract = tf.constant(mean, tf.float32)

    def sums(batch: tf.Tensor) -> dict[str, tuple[tf.Tensor, ...]]:
        with tf.GradientTape() as tape:
            inputs, outputs, heads = tapped(tf.cast(batch, tf.float32) - subtract)
            probe = tf.add_n([_probe(name, value, heads, chance) for name, value in heads.items()])
        gradients = tape.gradient(probe, outputs)
        return {
            name: _unit_sums(inputs[name], [gradients[one] for one in unit.names], unit.side)
            for name, unit in units.items()
        }

    run = tf.function(sums)
    totals: dict[str, list[F64]] = {}
    for batch in watch(batches, "measuring what matters", len(batches)):
        for name, parts in run(tf.constant(batch)).items():
            new = [np.asarray(one, np.float64) for one in parts]
            totals[name] = [old + one for old, one in zip(totals[name], new, strict=True)] if name in totals else new
    views = sum(len(batch) for batch in batches)
    return {name: _metric(parts, views) for name, parts in totals.items()}


def _tap(network: keras.Model, units: Mapping[str, Unit]) -> keras.Model:
    inputs = {name: network.get_layer(name).input for name in units}
    outputs = {one: network.get_layer(one).output for unit in units.values() for one in unit.names}
    return keras.Model(network.input, (inputs, outputs, {name: network.get_layer(name).output for name in HEADS}))


def _probe(name: str, value: tf.Tensor, heads: Mapping[str, tf.Tensor], chance: tf.random.Generator) -> tf.Tensor:
    kind, _, stride = name.partition("_")
    worth, shift = WORTH[kind]
    weight = worth * tf.sigmoid(heads[f"scores_{stride}"] + shift) + (FLOOR if kind == "scores" else 0.0)
    weight = tf.repeat(weight, value.shape[-1] // ANCHORS_PER_CELL, axis=-1)
    signs = tf.where(chance.uniform(value.shape) < 0.5, -1.0, 1.0)  # noqa: PLR2004 # a coin
    return tf.reduce_sum(tf.stop_gradient(weight) * signs * value)


def _unit_sums(x: tf.Tensor, gradients: Iterable[tf.Tensor], side: int) -> tuple[tf.Tensor, ...]:
    gradient = tf.concat(list(gradients), axis=-1)
    gradient = tf.reshape(gradient, (-1, gradient.shape[-1]))
    if side > 1:
        x = tf.image.extract_patches(x, [1, side, side, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
    patches = tf.reshape(x, (-1, x.shape[-1]))
    weight = tf.reduce_sum(tf.square(gradient), axis=1, keepdims=True)
    weighted = patches * weight
    return (
        tf.reduce_sum(weight),
        tf.reduce_sum(weighted, axis=0),
        tf.matmul(patches, weighted, transpose_a=True),
        tf.matmul(gradient, gradient, transpose_a=True),
    )


def _metric(parts: Sequence[F64], views: int) -> Metric:
    weight, first, second, outer = parts
    mean = first / weight
    return Metric(mean, second / weight - np.outer(mean, mean), outer / views)
