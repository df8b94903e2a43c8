"""Exact cross-layer equalization: channels get ranges that one int8 scale can serve, and the float network stays equal.

relu and leaky relu are positively homogeneous, so what a convolution's output channel is divided by, its consumers'
input channel can be multiplied by (Nagel et al., Data-Free Quantization, 2019, section 4.1; here the ranges are the
activations', measured on the calibration pictures).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from convert.families import ActivationKind, Structure
from convert.layout import Add, Concat, Conv, Table
from convert.weights import F64, Layer, Weights

NEGATIVE_SHARE = 0.5  # of the range below zero that counts: leaky relu shrinks it tenfold right after
RANGE_POWER = 0.6  # how far activations, and not the next weights, set a scale; 1 - this goes to the weights
SMALLEST = 1e-3  # of the largest scale in a layer: a channel that never fires would otherwise get all of it


class Range(NamedTuple):
    """What a convolution put out on the calibration pictures before its activation."""

    low: F64  # (outputs,)
    high: F64  # (outputs,)


class Use(NamedTuple):
    """A convolution that reads a producer's channels, beginning at its input channel `start`."""

    conv: Conv
    start: int


def equalize(weights: Weights, ranges: Mapping[str, Range]) -> Weights:
    """Weights of an equal float network (to rounding) whose channels have like ranges."""
    layers = {
        name: Layer(layer.kernel.astype(np.float64), layer.bias.astype(np.float64))
        for name, layer in weights.layers.items()
    }
    convs, structure = weights.convs, weights.family.structure
    for producers in _tied(convs, structure):
        uses = [use for name in producers for use in _uses(convs, name)]
        activations = [structure.activation(convs[name].place) for name in producers]
        reach = np.max([_reach(ranges[name], one) for name, one in zip(producers, activations, strict=True)], axis=0)
        scale = _scale(reach, uses, layers)
        for name in producers:
            kernel, bias = layers[name]
            layers[name] = Layer(kernel / (scale[:, None] if convs[name].depthwise else scale), bias / scale)
        for use in dict.fromkeys(uses):
            kernel, bias = layers[use.conv.name]
            factor = np.ones(use.conv.inputs)
            factor[use.start : use.start + len(scale)] = scale
            layers[use.conv.name] = Layer(kernel * factor[:, None], bias)
    return weights.with_layers(
        {name: Layer(*(part.astype(np.float32) for part in layer)) for name, layer in layers.items()}
    )


def _tied(convs: Table, structure: Structure) -> Iterator[tuple[str, ...]]:
    """Convolutions whose outputs must share scales, in the layout's order: those that are added; others alone."""
    partners = {part: conv.source for conv in convs.values() if isinstance(conv.source, Add) for part in conv.source}
    for name, conv in convs.items():
        # relu6 is not homogeneous: 6 would become another limit for every channel
        if conv.place == "head" or structure.activation(conv.place) == "relu6":
            continue
        if name not in partners:
            yield (name,)
        elif name == max(partners[name], key=list(convs).index):
            yield tuple(partners[name])


def _uses(convs: Table, name: str) -> Iterator[Use]:
    for conv in convs.values():
        match conv.source:
            case Concat(parts) if name in parts:
                yield Use(conv, sum(convs[part].outputs for part in parts[: parts.index(name)]))
            case Add(fine, coarse) if name in (fine, coarse):
                yield Use(conv, 0)
            case str(source) if source == name:
                yield Use(conv, 0)


def _scale(reach: F64, uses: list[Use], layers: Mapping[str, Layer]) -> F64:
    """float64 (outputs,): what producers' channels that reach so far are divided by; geometric mean 1."""
    mixing = [use for use in uses if not use.conv.depthwise]
    if mixing:
        heaviest = [
            np.abs(layers[use.conv.name].kernel[:, :, use.start : use.start + len(reach)]).max(axis=(0, 1, 3))
            for use in mixing
        ]
        reach = reach**RANGE_POWER / np.maximum(np.max(heaviest, axis=0), 1e-12) ** (1 - RANGE_POWER)
    # a depthwise consumer has a weight scale a channel: activations alone decide
    reach = np.maximum(reach, SMALLEST * reach.max())
    scale: F64 = reach / np.exp(np.log(reach).mean())
    return scale


def _reach(channel: Range, activation: ActivationKind | None) -> F64:
    """How far a channel's int8 tensor must reach. relu is fused into it; leaky relu comes after it."""
    below = {"leaky_relu": NEGATIVE_SHARE, None: 1.0}.get(activation, 0.0)
    return np.maximum(np.maximum(channel.high, -below * channel.low), 0)
