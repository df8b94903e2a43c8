"""Weights from any file we know, recognised by its content."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from convert.archive import unzip
from convert.compress.store import DESCRIPTION, parse_compressed
from convert.families import Family
from convert.import_keras import import_keras
from convert.import_onnx import import_onnx
from convert.import_pytorch import import_pytorch
from convert.keras_file import HDF5_MAGIC
from convert.recognize import recognize
from convert.torch_file import LEGACY_MAGIC, ZIP_MAGIC
from convert.weights import KNOWN, Layer, Weights, make_weights
from edge_retinaface import model_file
from edge_retinaface.errors import UNREADABLE, ModelError
from edge_retinaface.files import read_file

Importer = Callable[[bytes, str], tuple[dict[str, Layer], tuple[Family, ...]]]
COMPRESSED = "compressed"
HEAD = 4096  # bytes; every protocol buffer has control characters among its first, its tags and lengths
TEXT = re.compile(rb"[\t\n\f\r\x1b\x20-\x7e\x80-\xff]*")
IMPORTERS: dict[str, Importer] = {"onnx": import_onnx, "keras": import_keras, "pytorch": import_pytorch}


def read_weights(path: Path, family: str | None = None) -> tuple[Weights, str]:
    """Weights from the file at `path`, and a note for the user; ModelError says what does not fit.

    `family` is the name of one, where the caller knows better than what can be measured.
    """
    try:
        content = read_file(path)
    except OSError as error:
        raise ModelError(f"{path}: wanted a file of weights, found: {error.strerror}", exit_code=UNREADABLE) from error
    return parse_weights(content, str(path), family)


def parse_weights(content: bytes, what: str, family: str | None = None) -> tuple[Weights, str]:
    """As `read_weights`, from a file's content; `what` names it in errors."""
    kind = _format(content, what)
    if kind == COMPRESSED:  # which says its family itself
        weights = parse_compressed(content, what)
        if family not in (None, weights.family.name):
            raise ModelError(f"{what}: wanted weights of family {family}, found {weights.family.name}")
        return weights, ""
    layers, families = IMPORTERS[kind](content, what)
    source = model_file.Weights(format=kind, sha256=hashlib.sha256(content).hexdigest())
    if family is None:
        return recognize([make_weights(layers, one, source) for one in families], what)
    for one in families:
        if one.name == family:
            return make_weights(layers, one, source), ""
    raise ModelError(f"{what}: wanted weights of family {family}, found {' or '.join(one.name for one in families)}")


def _format(content: bytes, what: str) -> str:
    if content.startswith(HDF5_MAGIC):
        return "keras"
    if content.startswith(LEGACY_MAGIC):
        return "pytorch"
    if content.startswith(ZIP_MAGIC):
        return _zip_format(content, what)
    if content[4:8] == model_file.FLATBUFFER_ID:
        raise ModelError(f"{what}: wanted {KNOWN}, found a finished TFLite model")
    if not content:
        raise ModelError(f"{what}: wanted {KNOWN}, found an empty file")
    if TEXT.fullmatch(content[:HEAD]):
        raise ModelError(f"{what}: wanted {KNOWN}, found text")
    return "onnx"  # which has no mark of its own: its reader will tell


def _zip_format(content: bytes, what: str) -> str:
    names = list(unzip(content, what))
    if DESCRIPTION in names:
        return COMPRESSED
    if "model.weights.h5" in names:
        return "keras"
    if any(name.endswith("/data.pkl") for name in names):
        return "pytorch"
    raise ModelError(f"{what}: wanted {KNOWN}, found a zip archive of {', '.join(names[:3])}")
