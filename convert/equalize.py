"""Exact cross-layer equalization: channels get ranges that one int8 scale can serve, and the float network stays equal.

relu and leaky relu are positively homogeneous, so what a convolution's output channel is divided by, its consumers'
input channel can be multiplied by (Nagel et al., Data-Free Quantization, 2019, section 4.1; here the ranges are the
activations', measured on the calibration pictures).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from convert.families import ActivationKind, Structure
from convert.layout import CONVS, Add, Concat, Conv
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
    for producers in _tied(weights.family.structure):
        uses = [use for name in producers for use in _uses(name)]
        scale = _scale(producers, uses, ranges, layers, weights.family.structure)
        for name in producers:
            kernel, bias = layers[name]
            layers[name] = Layer(kernel / (scale[:, None] if CONVS[name].depthwise else scale), bias / scale)
        for use in dict.fromkeys(uses):
            kernel, bias = layers[use.conv.name]
            factor = np.ones(use.conv.inputs)
            factor[use.start : use.start + len(scale)] = scale
            layers[use.conv.name] = Layer(kernel * factor[:, None], bias)
    return weights.with_layers(
        {name: Layer(*(part.astype(np.float32) for part in layer)) for name, layer in layers.items()}
    )


def _tied(structure: Structure) -> Iterator[tuple[str, ...]]:
    """Convolutions whose outputs must share scales, in the layout's order: those that are added; others alone."""
    partners = {part: conv.source for conv in CONVS.values() if isinstance(conv.source, Add) for part in conv.source}
    for name, conv in CONVS.items():
        # relu6 is not homogeneous: 6 would become another limit for every channel
        if structure.activation(conv.place) in (None, "relu6"):
            continue
        if name not in partners:
            yield (name,)
        elif name == max(partners[name], key=list(CONVS).index):
            yield tuple(partners[name])


def _uses(name: str) -> Iterator[Use]:
    for conv in CONVS.values():
        match conv.source:
            case Concat(parts) if name in parts:
                yield Use(conv, sum(CONVS[part].outputs for part in parts[: parts.index(name)]))
            case Add(fine, coarse) if name in (fine, coarse):
                yield Use(conv, 0)
            case str(source) if source == name:
                yield Use(conv, 0)


def _scale(
    producers: tuple[str, ...],
    uses: list[Use],
    ranges: Mapping[str, Range],
    layers: Mapping[str, Layer],
    structure: Structure,
) -> F64:
    """float64 (outputs,): what the producers' channels are divided by; geometric mean 1."""
    reach = np.max([_reach(ranges[name], structure.activation(CONVS[name].place)) for name in producers], axis=0)
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
    below = NEGATIVE_SHARE if activation == "leaky_relu" else 0.0
    return np.maximum(np.maximum(channel.high, -below * channel.low), 0)
