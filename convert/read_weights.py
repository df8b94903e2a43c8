"""Weights from any file we know, recognised by its content."""

import hashlib
from pathlib import Path

from convert.import_onnx import import_onnx
from convert.weights import Weights, make_weights
from edge_retinaface import model_file
from edge_retinaface.errors import ModelError


def read_weights(path: Path) -> Weights:
    """Weights from the file at `path`; ModelError says what does not fit."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: wanted a file of weights, found: {error.strerror}") from error
    return parse_weights(content, str(path))


def parse_weights(content: bytes, what: str) -> Weights:
    """Weights from a file's content; `what` names it in errors."""
    if content[4:8] == model_file.FLATBUFFER_ID:
        raise ModelError(f"{what}: wanted weights (ONNX, Keras or PyTorch), found a finished TFLite model")
    layers, family = import_onnx(content, what)
    source = model_file.Weights(format="onnx", sha256=hashlib.sha256(content).hexdigest())
    return make_weights(layers, family, source)
