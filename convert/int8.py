"""Float32 graph to int8 graph, or to a mixed one whose first operators stay float.

TFLite's int8 rules: activations have one scale and zero point a tensor, weights a scale a channel and zero point 0,
biases are int32 at input scale times weight scale; padding, nearest resizing and concatenation keep the scale.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.backend import schema
from convert.graph import CONVOLUTIONS, Graph

LEVELS = 255  # steps between the smallest and the largest int8 value
LOWEST = -128
HEAVIEST = 127  # weights are symmetric: -127..127
# the first version of each operator that knows int8, as the converter writes them
VERSIONS = {
    "ADD": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "DEQUANTIZE": 2,
    "LEAKY_RELU": 2,
    "PAD": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2,
}
SAME_SCALE = ("PAD", "RESIZE_NEAREST_NEIGHBOR", "CONCATENATION")


class Range(NamedTuple):
    """What an activation tensor must be able to hold."""

    low: float
    high: float


class Affine(NamedTuple):
    """real = scale * (int8 - zero_point)."""

    scale: float
    zero_point: int


class QuantizedConv(NamedTuple):
    """A convolution's constants in int8."""

    weights: NDArray[np.int8]  # in TFLite's layout
    scales: NDArray[np.float64]  # (outputs,)
    bias: NDArray[np.float64]  # (outputs,), real values


def affine(span: Range) -> Affine:
    """The scale that covers `span`, with zero among the values."""
    low, high = min(span.low, 0.0), max(span.high, 0.0)
    scale = float(np.float32((high - low) / LEVELS)) or 1.0
    return Affine(scale, int(np.clip(round(LOWEST - low / scale), LOWEST, HEAVIEST)))


def round_weights(kernel: NDArray[np.float32], *, depthwise: bool) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Weights (outputs, rows, columns, inputs), or (1, rows, columns, channels), to nearest; and a scale a channel."""
    axes = (0, 1, 2) if depthwise else (1, 2, 3)
    scales = np.maximum(np.abs(kernel.astype(np.float64)).max(axis=axes), 1e-12) / HEAVIEST
    shaped = scales if depthwise else scales[:, None, None, None]
    return np.clip(np.round(kernel / shaped), -HEAVIEST, HEAVIEST).astype(np.int8), scales


def round_convolutions(graph: Graph) -> dict[int, QuantizedConv]:
    """Every convolution's constants, weights to nearest, by the number of the weight tensor."""
    convs = {}
    for operator in graph.convolutions():
        _, weights, bias = map(int, operator.inputs)
        depthwise = graph.kind(operator) == "DEPTHWISE_CONV_2D"
        rounded, scales = round_weights(graph.data(weights), depthwise=depthwise)
        convs[weights] = QuantizedConv(rounded, scales, graph.data(bias).astype(np.float64))
    return convs


def quantize_graph(
    graph: Graph, ranges: Mapping[int, Range], convs: Mapping[int, QuantizedConv], floats: Collection[int] = ()
) -> None:
    """Turn `graph` into int8 in place.

    `ranges` are by tensor number, `convs` by the number of a convolution's weight tensor; operators whose numbers are
    in `floats` stay float.
    """
    spans = share(graph, ranges)
    stays = [number in floats for number in range(len(graph.operators))]
    maker = {int(operator.outputs[0]): stays[number] for number, operator in enumerate(graph.operators)}
    for tensor in graph.inputs:
        maker[tensor] = False
    for tensor, is_float in maker.items():
        if not is_float:
            _set_affine(graph, tensor, affine(spans[tensor]))
    done: list[Any] = []
    bridges: dict[int, int] = {}
    for number, operator in enumerate(graph.operators):
        inputs = [int(tensor) for tensor in operator.inputs]
        for tensor in inputs:
            if maker.get(tensor, stays[number]) != stays[number] and tensor not in bridges:
                bridges[tensor] = _bridge(graph, tensor, spans[tensor], done, to_float=stays[number])
        crossing = [maker.get(tensor, stays[number]) != stays[number] for tensor in inputs]
        read = [bridges[one] if crosses else one for one, crosses in zip(inputs, crossing, strict=True)]
        operator.inputs = np.array(read, np.int32)
        if graph.kind(operator) in CONVOLUTIONS and not stays[number]:
            _set_constants(graph, operator, convs[int(operator.inputs[1])])
        if graph.kind(operator) == "PRELU" and not stays[number]:
            _set_slopes(graph, int(operator.inputs[1]))
        done.append(operator)
    graph.model.subgraphs[0].operators = graph.operators = done
    for kind, version in VERSIONS.items():
        graph.set_version(kind, version)


def share(graph: Graph, ranges: Mapping[int, Range]) -> dict[int, Range]:
    """Ranges in which tensors that must have one scale have one range: the widest."""
    leaders = scale_groups(graph, ranges)
    spans: dict[int, Range] = {}
    for tensor, span in ranges.items():
        widest = spans.get(leaders[tensor], span)
        spans[leaders[tensor]] = Range(min(widest.low, span.low), max(widest.high, span.high))
    return {tensor: spans[leaders[tensor]] for tensor in ranges}


def scale_groups(graph: Graph, tensors: Iterable[int]) -> dict[int, int]:
    """For each of the activation tensors the first of those that must have one scale with it."""
    leaders = {tensor: tensor for tensor in tensors}
    for operator in graph.operators:
        if graph.kind(operator) in SAME_SCALE:
            group = {leaders[int(one)] for one in (*operator.inputs, *operator.outputs) if int(one) in leaders}
            leaders = {tensor: min(group) if one in group else one for tensor, one in leaders.items()}
    return leaders


def _bridge(graph: Graph, tensor: int, span: Range, done: list[Any], *, to_float: bool) -> int:
    """A twin of `tensor` in the other type, and the operator that makes it."""
    name = graph.tensors[tensor].name.decode()
    twin = graph.add_tensor(f"{name}.{'float' if to_float else 'int8'}", tensor)
    if to_float:
        graph.tensors[twin].type = schema.TensorType.FLOAT32
        graph.tensors[twin].quantization = None
    else:
        _set_affine(graph, twin, affine(span))
    done.append(graph.make_operator("DEQUANTIZE" if to_float else "QUANTIZE", [tensor], [twin]))
    return twin


def _set_constants(graph: Graph, operator: Any, conv: QuantizedConv) -> None:  # noqa: ANN401 - generated class
    source, weights, bias = map(int, operator.inputs)
    scales = float(graph.tensors[source].quantization.scale[0]) * conv.scales
    graph.set_data(weights, conv.weights)
    graph.set_data(bias, np.clip(np.round(conv.bias / scales), -(2**31), 2**31 - 1).astype(np.int32))
    axis = 3 if graph.kind(operator) == "DEPTHWISE_CONV_2D" else 0
    _set_quantization(graph, weights, conv.scales, axis)
    _set_quantization(graph, bias, scales, 0)


def _set_slopes(graph: Graph, tensor: int) -> None:
    slopes = graph.data(tensor)
    if slopes.dtype == np.int8:  # one constant for several operators
        return
    scale = np.abs(slopes).max(keepdims=True).reshape(1).astype(np.float64) / HEAVIEST
    graph.set_data(tensor, np.round(slopes / scale).astype(np.int8))
    _set_quantization(graph, tensor, scale, 0)


def _set_affine(graph: Graph, tensor: int, how: Affine) -> None:
    graph.tensors[tensor].type = schema.TensorType.INT8
    _set_quantization(graph, tensor, np.array([how.scale]), 0, how.zero_point)


def _set_quantization(graph: Graph, tensor: int, scales: NDArray[np.float64], axis: int, zero_point: int = 0) -> None:
    quantization = schema.QuantizationParametersT()
    quantization.scale = scales.astype(np.float32)
    quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
    quantization.quantizedDimension = axis
    graph.tensors[tensor].quantization = quantization
