"""Keras files (.h5 of any age, .keras, .weights.h5) as arrays and, where there is one, a graph; no code is loaded."""

import io
import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from convert.archive import unzip
from convert.by_name import Key, Role, Stored
from edge_retinaface.errors import ModelError

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ROLES: dict[str, Role] = {
    "kernel": "kernel",
    "depthwise_kernel": "kernel",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "mean",
    "moving_variance": "variance",
}
# Keras 3 numbers a layer's variables instead of naming them, in this order
CONVOLUTION_ROLES: tuple[Role, ...] = ("kernel", "bias")
NORM_ROLES: tuple[Role, ...] = ("gamma", "beta", "mean", "variance")


@dataclass(frozen=True, slots=True)
class KerasFile:
    """What is in a Keras file."""

    arrays: dict[Key, Stored]  # by layer name and role
    layers: list[dict[str, Any]] | None  # the graph's layers as Keras describes them; None: weights only


def read_keras(content: bytes, what: str) -> KerasFile:
    """The file's arrays and graph; ModelError if it is damaged or no functional model."""
    try:
        if content.startswith(HDF5_MAGIC):
            with h5py.File(io.BytesIO(content)) as file:
                return _read_hdf5(file, what)
        members = unzip(content, what)
        layers = _graph(json.loads(members["config.json"]), what)
        with h5py.File(io.BytesIO(members["model.weights.h5"])) as file:
            return KerasFile(_numbered_arrays(file, layers, what), layers)
    # h5py and its C library raise any of these for files that are cut or overwritten
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, MemoryError) as error:
        raise ModelError(f"{what}: wanted a Keras file, found a damaged one: {error}") from error


def _read_hdf5(file: h5py.File, what: str) -> KerasFile:
    if "layers" in file:  # Keras 3's .weights.h5
        return KerasFile(_numbered_arrays(file, None, what), None)
    root = file.get("model_weights", file)
    arrays: dict[Key, Stored] = {}
    for layer in (_text(name) for name in root.attrs["layer_names"]):
        for name in (_text(name) for name in root[layer].attrs["weight_names"]):
            last = name.rpartition("/")[2].partition(":")[0]
            if last not in ROLES:
                raise ModelError(f"{what}: {name}: wanted one of {', '.join(ROLES)}, found another kind of array")
            arrays[Key(layer, ROLES[last])] = Stored(name, np.asarray(root[layer][name]))
    config = file.attrs.get("model_config")
    return KerasFile(arrays, _graph(json.loads(config), what) if config is not None else None)


def _graph(config: dict[str, Any], what: str) -> list[dict[str, Any]]:
    kind = config.get("class_name")
    if kind not in ("Functional", "Model"):
        raise ModelError(f"{what}: wanted a functional Keras model, found {kind}")
    return list(config["config"]["layers"])


def _numbered_arrays(file: h5py.File, layers: list[dict[str, Any]] | None, what: str) -> dict[Key, Stored]:
    """Keras 3 names groups by class, counted; newer ones also note the layer's name."""
    groups = file["layers"]
    notes = {group: groups[group]["vars"].attrs for group in groups if "vars" in groups[group]}
    names = {group: _text(note["name"]) for group, note in notes.items() if "name" in note}
    seen: Counter[str] = Counter()
    configs = {}
    for layer in layers or []:
        stem = _snake_case(layer["class_name"])
        names.setdefault(f"{stem}_{seen[stem]}" if seen[stem] else stem, layer["config"]["name"])
        configs[layer["config"]["name"]] = layer["config"]
        seen[stem] += 1
    arrays = {}
    for group in groups:
        variables = groups[group].get("vars", {})
        if len(variables) and group not in names:
            raise ModelError(
                f"{what}: wanted layers with their names, found none for {group}: save the model as .keras"
            )
        roles = _roles(group, len(variables), configs.get(names.get(group, ""), {}))
        for number, role in zip(sorted(variables, key=int), roles, strict=True):
            arrays[Key(names[group], role)] = Stored(f"{names[group]}/{number}", np.asarray(variables[number]))
    return arrays


def _roles(group: str, count: int, config: dict[str, Any]) -> tuple[Role, ...]:
    if group.startswith("batch_normalization"):
        absent = {"gamma": not config.get("scale", True), "beta": not config.get("center", True)}
        return tuple(role for role in NORM_ROLES if not absent.get(role))[:count]
    return CONVOLUTION_ROLES[:count]


def _snake_case(name: str) -> str:
    """As Keras does it: Conv2D to conv2d, BatchNormalization to batch_normalization, LeakyReLU to leaky_re_lu."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
