"""Steps in proportion to what they change: folded weights differ a thousandfold in size.

Keras's own optimizers have one rate for all; a rate for each channel of each variable is what this one is for.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convert.backend import tf
from convert.distill.plan import WARM_UP, Plan
from edge_retinaface.data import F32

FIRST, SECOND = 0.9, 0.999  # how slowly the averages of gradients and of their squares move
MOMENTUM = 0.95  # of kernels' gradients
TINY = 1e-12  # gradients are small where weights are large
LARGEST_NORM = 10.0  # of all gradients together
SMALLEST_CHANNEL = 0.1  # of the variable's own size: what a channel of zeros is taken for
SMALLEST_BIAS = 0.1  # activations are about 1
KERNEL_AXES = 4


class RelativeSteps:
    """Muon for kernels and Adam for the rest, both relative to the size of each output channel's weights at the start.

    Adam (Kingma and Ba, 2015) knows each weight alone. Muon (Jordan et al., 2024, "Muon: an optimizer for hidden layers
    in neural networks") makes all singular values of a kernel's step alike, so that what few pictures ask for moves as
    fast as what most do.
    """

    def __init__(self, variables: Sequence[tf.Variable], stretch: float) -> None:
        self._targets, self._stretch = variables, stretch
        self._sizes = [tf.constant(channel_sizes(np.asarray(one))) for one in variables]
        self._first = [tf.Variable(tf.zeros_like(one)) for one in variables]
        self._second = [tf.Variable(tf.zeros([] if _mixes(one.shape) else one.shape)) for one in variables]

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that changes beside the weights."""
        return [*self._first, *self._second]

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor, step: tf.Tensor) -> None:
        """One step, the `step`th, counted from 1; both scalars float32."""
        gradients, _ = tf.clip_by_global_norm(gradients, LARGEST_NORM)
        unbiased = tf.sqrt(1 - tf.pow(SECOND, step)) / (1 - tf.pow(FIRST, step))
        for gradient, target, size, first, second in zip(
            gradients, self._targets, self._sizes, self._first, self._second, strict=True
        ):
            if _mixes(target.shape):
                first.assign(MOMENTUM * first + gradient * size)
                change = self._stretch * _evened(gradient * size + MOMENTUM * first)
            else:
                first.assign_add((1 - FIRST) * (gradient - first))
                second.assign_add((1 - SECOND) * (tf.square(gradient) - second))
                change = unbiased * first / (tf.sqrt(second) + TINY)
            target.assign_sub(rate * size * change)


def _mixes(shape: tf.TensorShape) -> bool:
    """Whether it is a kernel that mixes channels."""
    return len(shape) == KERNEL_AXES and shape[3] > 1


def _evened(step: tf.Tensor) -> tf.Tensor:
    """The step with singular values of about 1, times what makes the root of its mean square 1.

    Five rounds of a Newton-Schulz iteration with Jordan's coefficients, which take any from .002 to 1 to .7 to 1.2.
    """
    matrix = tf.reshape(step, (-1, step.shape[3]))
    longest = max(matrix.shape)
    tall = matrix.shape[0] > matrix.shape[1]
    matrix = tf.transpose(matrix) if tall else matrix
    matrix /= tf.norm(matrix) + TINY
    for _ in range(5):
        square = tf.matmul(matrix, matrix, transpose_b=True)
        matrix = 3.4445 * matrix + tf.matmul(-4.7750 * square + 2.0315 * tf.matmul(square, square), matrix)
    return longest**0.5 * tf.reshape(tf.transpose(matrix) if tall else matrix, step.shape)


def rate_at(step: int, plan: Plan) -> float:
    """The learning rate: up in a line, then down as half a cosine."""
    rising = max(1, round(WARM_UP * plan.steps))
    if step < rising:
        return plan.rate * (step + 1) / rising
    return plan.rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, plan.steps - rising)))


def channel_sizes(values: NDArray[np.floating]) -> F32:
    """Root mean square over each output channel, to be broadcast over the variable."""
    if values.ndim != KERNEL_AXES:
        return np.asarray(max(np.sqrt(np.mean(values**2)), SMALLEST_BIAS), np.float32)
    axes = (0, 1, 3) if values.shape[3] == 1 else (0, 1, 2)  # depthwise kernels have their channels before the last
    each = np.sqrt(np.mean(values**2, axis=axes, keepdims=True))
    whole = np.sqrt(np.mean(values**2))
    return np.asarray(np.maximum(each, max(SMALLEST_CHANNEL * whole, 1e-6)), np.float32)
