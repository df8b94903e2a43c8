"""A convolution as depthwise kernels, a few for each input channel, and a pointwise convolution that mixes them.

Where kernels of many output channels differ little in shape, this needs fewer multiplications than a low rank (Chollet,
2017, "Xception", has one kernel for each input; a matrix of any rank needs several).
"""

from typing import NamedTuple

import numpy as np

from convert.compress.closed_form import damped, root
from convert.compress.statistics import Metric
from convert.weights import F64

ROUNDS = 5  # of fitting one half to the other; later ones change the error by a few hundredths of it
RIDGE = 1e-8  # of the mean diagonal
SMALLEST = 1e-6  # of the largest deviation: what a kernel of zeros is taken for


class Separated(NamedTuple):
    """The two halves, and what is lost."""

    depthwise: F64  # (count, taps, channels), outputs of variance 1
    pointwise: F64  # (outputs, count * channels)
    error: float


def separate(matrix: F64, metric: Metric, side: int, count: int) -> Separated:
    """`matrix` is (outputs, patch), a patch (row, column, channel); alternating least squares in the metric."""
    taps = side**2
    channels = matrix.shape[1] // taps
    inputs, outputs = damped(metric.inputs), damped(metric.outputs)
    depthwise = _beginning(root(metric.outputs) @ matrix, inputs, taps, count)
    for last in [*[False] * (ROUNDS - 1), True]:
        first = spread(depthwise)
        pointwise = _solve(first @ inputs @ first.T, first @ inputs @ matrix.T).T
        if not last:
            depthwise = _kernels(matrix, pointwise.reshape(-1, count, channels), inputs, outputs)
    sizes = np.sqrt(np.einsum("ij,jk,ik->i", first, inputs, first, optimize=True))
    sizes = np.maximum(sizes, SMALLEST * sizes.max())
    lost = matrix - pointwise @ first
    error = np.sum((outputs @ lost) * (lost @ inputs))
    return Separated(depthwise / sizes.reshape(count, 1, channels), pointwise * sizes, float(error))


def spread(depthwise: F64) -> F64:
    """Depthwise kernels (count, taps, channels) as a matrix (count * channels, patch)."""
    count, taps, channels = depthwise.shape
    matrix = np.zeros((count, channels, taps, channels))
    each = np.arange(channels)
    matrix[:, each, :, each] = depthwise.transpose(2, 0, 1)
    return matrix.reshape(count * channels, taps * channels)


def _beginning(matrix: F64, inputs: F64, taps: int, count: int) -> F64:
    """The best kernels of each channel by itself."""
    channels = matrix.shape[1] // taps
    found = np.zeros((count, taps, channels))
    for channel in range(channels):
        patch = np.arange(taps) * channels + channel
        own = root(inputs[np.ix_(patch, patch)])
        kernels = np.linalg.svd(matrix[:, patch] @ own, full_matrices=False)[2][:count]
        found[: len(kernels), :, channel] = np.linalg.solve(own, kernels.T).T
    return found


def _kernels(matrix: F64, pointwise: F64, inputs: F64, outputs: F64) -> F64:
    """The best depthwise kernels for a pointwise convolution (outputs, count, channels)."""
    _, count, channels = pointwise.shape
    shape = count, len(inputs) // channels, channels
    seen = inputs.reshape(shape[1:] * 2)
    mixed = np.einsum("oai,op,pbj->aibj", pointwise, outputs, pointwise, optimize=True)
    normal = np.einsum("aibj,tiuj->atibuj", mixed, seen, optimize=True).reshape((count * len(inputs),) * 2)
    wanted = np.einsum("oai,oti->ati", pointwise, (outputs @ matrix @ inputs).reshape(-1, *shape[1:]), optimize=True)
    return _solve(normal, wanted.reshape(-1)).reshape(shape)


def _solve(normal: F64, wanted: F64) -> F64:
    ridge = RIDGE * float(np.trace(normal)) / len(normal)
    return np.asarray(np.linalg.solve(normal + ridge * np.eye(len(normal)), wanted))
