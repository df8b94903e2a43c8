"""The smaller network's weights, refitted in closed form."""

from collections.abc import Iterator, Mapping

import numpy as np

from convert.compress.choose import Choices
from convert.compress.closed_form import Rows, factorise, refit
from convert.compress.curves import unit_matrix
from convert.compress.separable import separate, spread
from convert.compress.shape import Shape, Split, kept_inputs, smaller_table
from convert.compress.statistics import Metric
from convert.compress.units import Unit
from convert.layout import Conv
from convert.weights import F64, Layer, Weights, checked_weights


def apply(weights: Weights, choices: Choices, metrics: Mapping[str, Metric], shape: Shape) -> Weights:
    """Weights of the network that `shape` describes."""
    table = smaller_table(choices.convs, choices.units, choices.groups, shape)
    layers = dict(weights.layers)
    for producer, rows in shape.kept.items():
        for name in choices.groups[producer].depthwise:
            layers[name] = Layer(layers[name].kernel[:, :, rows], layers[name].bias[rows])
        conv = choices.convs[producer]
        if conv.depthwise or producer not in {one for unit in choices.units.values() for one in unit.names}:
            layers[producer] = Layer(layers[producer].kernel[..., rows], layers[producer].bias[rows])
    for name, unit in choices.units.items():
        channels = kept_inputs(choices.convs, choices.groups, shape, unit.source)
        layers |= _refitted(weights, unit, choices.convs[name], channels, shape, metrics[name])
    return checked_weights(layers, weights.family, weights.source, table)


def _refitted(
    weights: Weights, unit: Unit, conv: Conv, channels: Rows, shape: Shape, metric: Metric
) -> Iterator[tuple[str, Layer]]:
    """Layers of one unit, by name."""
    matrix = unit_matrix(unit, weights.layers).astype(np.float64)
    bias = np.concatenate([weights.layers[name].bias for name in unit.names]).astype(np.float64)
    patch = (np.arange(unit.side**2)[:, None] * conv.inputs + channels).reshape(-1)
    if len(channels) < conv.inputs:
        matrix, more = refit(matrix, patch, metric)
        bias = bias + more
        metric = Metric(metric.mean[patch], metric.inputs[np.ix_(patch, patch)], metric.outputs)
    ends = np.cumsum([weights.convs[name].outputs for name in unit.names])
    parts = np.split(np.arange(ends[-1]), ends[:-1])
    parts = [part[shape.kept.get(name, np.arange(len(part)))] for name, part in zip(unit.names, parts, strict=True)]
    rows = np.concatenate(parts)
    matrix, bias = matrix[rows], bias[rows]
    metric = metric._replace(outputs=metric.outputs[np.ix_(rows, rows)])
    sizes = np.cumsum([len(part) for part in parts])[:-1]
    shape_in = (unit.side, unit.side, len(channels))
    if split := shape.splits.get(unit.names[0]):
        halves, second, first = _halves(unit, matrix, metric, split, shape_in)
        yield from halves
        bias = bias + matrix @ metric.mean - second @ (first @ metric.mean)
        matrix, shape_in = second, (1, 1, second.shape[1])
    for name, some, values in zip(unit.names, np.split(matrix, sizes), np.split(bias, sizes), strict=True):
        yield name, Layer(some.T.reshape(*shape_in, len(some)), values)


def _halves(
    unit: Unit, matrix: F64, metric: Metric, split: Split, shape_in: tuple[int, int, int]
) -> tuple[list[tuple[str, Layer]], F64, F64]:
    """Layers of the first half, the second half (outputs, middle), and the first as a matrix (middle, patch)."""
    how, number = split
    if how == "rank":
        factors = factorise(matrix, metric)
        first, second = factors.first[:number], factors.second[:, :number]
        return [(unit.basis, Layer(first.T.reshape(*shape_in, number), np.zeros(number)))], second, first
    parts = separate(matrix, metric, unit.side, number)
    channels = shape_in[2]
    layers = [
        (name, Layer(kernel.reshape(*shape_in, 1), np.zeros(channels)))
        for name, kernel in zip(unit.depthwise(number), parts.depthwise, strict=True)
    ]
    return layers, parts.pointwise, spread(parts.depthwise)
