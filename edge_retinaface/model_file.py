"""The model file: a TFLite flatbuffer with a zip appended that holds the model card."""

import io
import os
import zipfile
import zlib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from edge_retinaface.digest import sha256_hex
from edge_retinaface.errors import UNREADABLE, ModelError
from edge_retinaface.files import read_file
from edge_retinaface.spec import ModelSpec, ScoreMeaning

SCHEMA = 1
CARD_NAME = "edge_retinaface.json"
FLATBUFFER_ID = b"TFL3"  # bytes 4..8 of every TFLite file
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)  # what zipfile raises
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal models are equal files


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What one output tensor is."""

    name: str  # the tensor's name in the flatbuffer
    kind: Literal["boxes", "scores", "landmarks"]
    stride: int  # the level it belongs to, pixels per cell
    meaning: ScoreMeaning = "logit_difference"  # of a score tensor


class Quantization(msgspec.Struct, frozen=True, kw_only=True):
    """How the weights and activations are stored."""

    mode: str  # int8, mixed, dynamic_range, float16, float32
    granularity: Literal["per_channel", "per_tensor", "none"] = "none"
    images: int = 0  # calibration pictures
    digest: str = ""  # sha256 over the calibration pictures, in order


class Compression(msgspec.Struct, frozen=True, kw_only=True):
    """How the network was made smaller before it was quantized."""

    macs_before: int  # multiply-accumulates of one inference at 480x640
    macs_after: int
    ranks: dict[str, int]  # of factorised convolutions, by name
    depthwise: dict[str, int] = {}  # kernels for each input of those with depthwise halves, by name
    widths: dict[str, int]  # channels that are left, by convolution
    folded: tuple[str, ...] = ()  # convolutions whose leaky relu became a relu
    pictures: int  # that it was measured and trained on, without labels
    digest: str  # sha256 over them, in order
    steps: int  # of training, until the best moment; 0: none
    seed: int


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Where the weights came from."""

    format: str  # onnx, keras, pytorch
    sha256: str
    compression: Compression | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The model card, schema 1. `sha256` is of the flatbuffer part."""

    schema: int = SCHEMA
    name: str
    created: str  # ISO 8601, UTC
    converter: str  # version
    spec: ModelSpec
    outputs: tuple[Output, ...]
    quantization: Quantization
    weights: Weights
    accuracy: dict[str, Any] = {}  # what the conversion measured, float beside quantized: plain values
    # the score at which it reports as many faces as the float network does at 0.5; None: not measured
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    sha256: str = ""


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """A checked model file: the card, and the flatbuffer for the interpreter."""

    path: Path
    card: Card
    flatbuffer: bytes


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """Read and check a model file; ModelError says what was wanted and what was found."""
    path = Path(path)
    return parse_model(path, read_content(path))


def read_content(path: Path) -> bytes:
    """What is in the file; ModelError if it cannot be read."""
    try:
        return read_file(path)
    except OSError as error:
        raise ModelError(f"{path}: wanted a model file, found: {error.strerror}", exit_code=UNREADABLE) from error


def parse_model(path: Path, content: bytes) -> ModelFile:
    """Check a model file's content; `path` is named in the ModelError."""
    if content[4:8] != FLATBUFFER_ID:
        raise ModelError(f"{path}: wanted a TFLite model, found {_describe(content)}")
    card, size = _read_card(path, content)
    flatbuffer = content[:size]
    digest = sha256_hex(flatbuffer)
    if digest != card.sha256:
        raise ModelError(f"{path}: damaged: wanted sha256 {card.sha256[:12]}…, found {digest[:12]}…")
    return ModelFile(path=path, card=card, flatbuffer=flatbuffer)


def write_model(path: Path, flatbuffer: bytes, card: Card) -> None:
    """Write flatbuffer and card as one file: beside the target first, then renamed over it."""
    card = msgspec.structs.replace(card, sha256=sha256_hex(flatbuffer))
    buffer = io.BytesIO(flatbuffer)
    buffer.seek(0, io.SEEK_END)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(CARD_NAME, ZIP_TIME), msgspec.json.format(msgspec.json.encode(card)))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(buffer.getvalue())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _read_card(path: Path, content: bytes) -> tuple[Card, int]:
    """The card and the size of the flatbuffer before it."""
    missing = f"{path}: wanted a model card ({CARD_NAME}) in the file, found"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = min(entry.header_offset for entry in archive.infolist())
            raw = archive.read(CARD_NAME)
    except DAMAGED as error:
        raise ModelError(f"{missing} none: not made by edge-retinaface, or truncated") from error
    except (KeyError, ValueError) as error:  # no such member; no member at all
        raise ModelError(f"{missing} another archive") from error
    try:
        schema = msgspec.json.decode(raw, type=dict[str, Any]).get("schema")
        if schema != SCHEMA:
            raise ModelError(f"{path}: wanted model card schema {SCHEMA}, found {schema!r}")
        return msgspec.json.decode(raw, type=Card), size
    except msgspec.MsgspecError as error:
        raise ModelError(f"{path}: damaged model card: {error}") from error


def _describe(content: bytes) -> str:
    if not content:
        return "an empty file"
    return f"{len(content)} bytes that start with {content[:8].hex(' ')}"
