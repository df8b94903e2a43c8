"""Folded layers from arrays that are found by name: every one used exactly once, every layer filled exactly once."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np

from convert.layout import CONVS, Conv
from convert.names import Naming, Place
from convert.weights import F64, Layer, fold_batch_norm, widen
from edge_retinaface.data import F32
from edge_retinaface.errors import ModelError

Role = Literal["kernel", "bias", "gamma", "beta", "mean", "variance"]


class Key(NamedTuple):
    """One array's place: the prefix of the layer and what it is there."""

    prefix: str
    role: Role


class Stored(NamedTuple):
    """An array and what its file calls it."""

    name: str
    values: F32


def pick_naming(namings: Iterable[Naming], prefixes: Iterable[str]) -> Naming:
    """The naming of which most names are there."""
    there = set(prefixes)
    return max(namings, key=lambda naming: sum(place.conv in there for place in naming.values()))


def layers_by_name(arrays: Mapping[Key, Stored], naming: Naming, epsilon: float, what: str) -> dict[str, Layer]:
    """Folded layers by the layout's names; kernels in `arrays` are in Keras layout.

    ModelError names the first array that is missing or of another shape, or lists what no layer used.
    """
    left = dict(arrays)
    layers = {name: _layer(CONVS[name], place, left, epsilon, what) for name, place in naming.items()}
    if left:
        listed = ", ".join(stored.name for stored in left.values())
        raise ModelError(f"{what}: wanted every array used once, found {len(left)} left over: {listed}")
    return layers


def _layer(conv: Conv, place: Place, left: dict[Key, Stored], epsilon: float, what: str) -> Layer:
    found = left.pop(Key(place.conv, "kernel"), None)
    if found is None:
        some = ", ".join(stored.name for stored in list(left.values())[:3]) or "nothing"
        raise ModelError(f"{what}: {conv.name}: wanted weights called {place.conv}, found others: {some} …")
    kernel = widen(found.values)
    shapes = [conv.kernel_shape]
    if conv.name.startswith("scores"):
        shapes.insert(0, (1, 1, conv.inputs, 2 * conv.outputs))  # two classes an anchor
    if kernel.shape not in shapes:
        raise ModelError(f"{what}: {conv.name}: wanted {found.name} {shapes[0]}, found {kernel.shape}")
    channels = kernel.shape[2] if conv.depthwise else kernel.shape[3]
    bias = _vector(left, Key(place.conv, "bias"), channels, what)
    norm = {role: _vector(left, Key(place.norm, role), channels, what) for role in NORM} if place.norm else {}
    if norm.get("mean") is None or norm.get("variance") is None:
        if bias is None:
            raise ModelError(f"{what}: {conv.name}: wanted a bias or {place.norm}, found neither")
        return Layer(found.values, bias)  # folded already, or a head
    return fold_batch_norm(
        kernel,
        np.zeros(channels) if bias is None else bias,
        depthwise=conv.depthwise,
        scale=_or(norm["gamma"], np.ones(channels)),
        shift=_or(norm["beta"], np.zeros(channels)),
        mean=_or(norm["mean"], np.zeros(channels)),
        var=_or(norm["variance"], np.ones(channels)) + epsilon,
    )


NORM: tuple[Role, ...] = ("gamma", "beta", "mean", "variance")


def _or(values: F64 | None, otherwise: F64) -> F64:
    return otherwise if values is None else values


def _vector(left: dict[Key, Stored], key: Key, channels: int, what: str) -> F64 | None:
    stored = left.pop(key, None)
    if stored is None:
        return None
    if stored.values.shape != (channels,):
        raise ModelError(f"{what}: wanted {stored.name} {(channels,)}, found {stored.values.shape}")
    return widen(stored.values)
