"""Weights in one form whatever they came from: a table of convolutions, a folded kernel and bias for each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from convert.families import Family
from convert.layout import CONVS, PICTURE, Table
from edge_retinaface import model_file
from edge_retinaface.errors import ModelError

KNOWN = "weights (ONNX, Keras, PyTorch, or of convert compress)"  # what there is an importer for

F64 = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]


class Layer(NamedTuple):
    """One convolution's numbers, batch normalization folded in."""

    kernel: Floats  # Keras layout, Conv.kernel_shape; float32 in finished weights
    bias: Floats  # (outputs,)


@dataclass(frozen=True, slots=True)
class Weights:
    """All convolutions' numbers, the family they were trained in, and the file they came from."""

    convs: Table
    layers: Mapping[str, Layer]  # by Conv.name, in the table's order
    family: Family
    source: model_file.Weights

    def with_layers(self, changed: Mapping[str, Layer]) -> Self:
        """The same weights with some layers replaced."""
        return replace(self, layers={**self.layers, **changed})


def make_weights(
    layers: Mapping[str, Layer], family: Family, source: model_file.Weights, convs: Table = CONVS
) -> Weights:
    """Checked weights for BGR pictures from layers as they were trained; ModelError lists what does not fit."""
    ready = {
        name: _score_difference(layer, convs[name].outputs) if name in convs and name.startswith("scores") else layer
        for name, layer in layers.items()
    }
    first = _first(convs)
    if family.order == "RGB" and first in ready:
        ready[first] = Layer(ready[first].kernel[:, :, ::-1], ready[first].bias)
    return checked_weights(ready, family, source, convs)


def checked_weights(layers: Mapping[str, Layer], family: Family, source: model_file.Weights, convs: Table) -> Weights:
    """Weights of layers that are for BGR pictures already: the table's, each of its shape, or ModelError."""
    missing = [name for name in convs if name not in layers]
    extra = [name for name in layers if name not in convs]
    if missing or extra:
        raise ModelError(f"weights: wanted every layer once, found missing: {missing}, left over: {extra}")
    ready = {}
    for name, conv in convs.items():
        layer = layers[name]
        if layer.kernel.shape != conv.kernel_shape or layer.bias.shape != (conv.outputs,):
            raise ModelError(f"{name}: wanted a kernel {conv.kernel_shape}, found {layer.kernel.shape}")
        with np.errstate(over="ignore", invalid="ignore"):  # one error below says it
            narrow = Layer(np.ascontiguousarray(layer.kernel, np.float32), layer.bias.astype(np.float32))
        if not (np.isfinite(narrow.kernel).all() and np.isfinite(narrow.bias).all()):
            raise ModelError(f"{name}: wanted finite numbers, found infinity or NaN")
        ready[name] = narrow
    return Weights(convs, ready, family, source)


def widen(values: Floats) -> F64:
    """The same numbers as float64; NaNs of damaged files without numpy's warning, `make_weights` refuses them."""
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


def fold_batch_norm(
    kernel: Floats, bias: Floats, *, depthwise: bool, scale: F64, shift: F64, mean: F64, var: F64
) -> Layer:
    """Convolution and batch normalization as one convolution (`var` includes epsilon), kernel in Keras layout."""
    with np.errstate(all="ignore"):  # of damaged files: what is not finite is refused by `make_weights`
        factor = scale / np.sqrt(var)
        return Layer(kernel * (factor[:, None] if depthwise else factor), (bias - mean) * factor + shift)


def centre_input(weights: Weights, centre: int) -> Weights:
    """Weights for a network whose input is pixel - centre instead of pixel - mean.

    The difference goes into the first bias, exact but for the outermost pixels: zero padding now means `centre`.
    """
    first = _first(weights.convs)
    kernel, bias = weights.layers[first]
    shift = centre - np.array(weights.family.mean)
    moved = bias + np.einsum("hwio,i->o", kernel.astype(np.float64), shift)
    return weights.with_layers({first: Layer(kernel, moved.astype(np.float32))})


def _first(convs: Table) -> str:
    return next(conv.name for conv in convs.values() if conv.source == PICTURE)


def _score_difference(layer: Layer, outputs: int) -> Layer:
    """Face logit minus background logit: half the channels, and its sigmoid is the softmax."""
    kernel, bias = layer
    if len(bias) == outputs:  # already a difference
        return layer
    return Layer(kernel[..., 1::2] - kernel[..., 0::2], bias[1::2] - bias[0::2])
