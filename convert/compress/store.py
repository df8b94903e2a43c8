"""Weights of a compressed network in a file: a zip of NumPy arrays, which numpy.load opens, and a description.

Nothing in it is executed, and equal weights are equal files.
"""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from convert.archive import BROKEN, unzip
from convert.evaluation.files import write_whole
from convert.families import FAMILIES
from convert.layout import HEADS, PICTURE, Add, Concat, Conv, Place, Source, Table
from convert.weights import Floats, Layer, Weights, checked_weights
from edge_retinaface import model_file
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import ZIP_TIME

DESCRIPTION = "edge_retinaface_weights.json"  # what the archive is recognised by
SCHEMA = 1


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    """One convolution of the table."""

    name: str
    how: Literal["from", "add", "concat"]
    sources: tuple[str, ...]
    side: int
    stride: int
    inputs: int
    outputs: int
    place: Place
    depthwise: bool

    def conv(self) -> Conv:
        """As the table has it."""
        return Conv(self.name, self._source(), *msgspec.structs.astuple(self)[3:])

    def _source(self) -> Source:
        if self.how == "concat":
            return Concat(self.sources)
        if self.how == "add":
            fine, coarse = self.sources
            return Add(fine, coarse)
        (one,) = self.sources
        return one


class _Description(msgspec.Struct):
    schema: int
    family: str
    source: model_file.Weights
    table: tuple[_Row, ...]


def write_weights(path: Path, weights: Weights) -> None:
    """Write the file: beside the target first, then renamed over it."""
    rows = tuple(_row(conv) for conv in weights.convs.values())
    description = _Description(SCHEMA, weights.family.name, weights.source, rows)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(
            zipfile.ZipInfo(DESCRIPTION, ZIP_TIME), msgspec.json.format(msgspec.json.encode(description), indent=1)
        )
        for name, layer in weights.layers.items():
            for part, values in zip(Layer._fields, layer, strict=True):
                array = io.BytesIO()
                np.lib.format.write_array(array, np.ascontiguousarray(values), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.{part}.npy", ZIP_TIME), array.getvalue())
    write_whole(path, buffer.getvalue())


def parse_compressed(content: bytes, what: str) -> Weights:
    """The weights in such a file; ModelError says what does not fit."""
    members = unzip(content, what)
    try:
        description = msgspec.json.decode(members[DESCRIPTION], type=_Description)
        table = {row.name: row.conv() for row in description.table}
        layers = {name: Layer(*(_array(members, name, part) for part in Layer._fields)) for name in table}
        family = next(one for one in FAMILIES if one.name == description.family)
    except StopIteration as error:
        raise ModelError(f"{what}: wanted a family we know, found {description.family}") from error
    except (msgspec.MsgspecError, KeyError, *BROKEN) as error:
        raise ModelError(f"{what}: wanted compressed weights, found a damaged file: {error}") from error
    if description.schema != SCHEMA:
        raise ModelError(f"{what}: wanted compressed weights of schema {SCHEMA}, found {description.schema}")
    _check(table, what)
    return checked_weights(layers, family, description.source, table)


def _row(conv: Conv) -> _Row:
    match conv.source:
        case Add() as added:
            return _Row(conv.name, "add", tuple(added), *conv[2:])
        case Concat(parts):
            return _Row(conv.name, "concat", parts, *conv[2:])
        case name:
            return _Row(conv.name, "from", (name,), *conv[2:])


def _array(members: dict[str, bytes], name: str, part: str) -> Floats:
    return np.lib.format.read_array(io.BytesIO(members[f"{name}.{part}.npy"]), allow_pickle=False)


def _check(table: Table, what: str) -> None:
    """Every source there before its use, and as wide as it is read."""
    widths = {PICTURE: 3}
    for name, conv in table.items():
        sources = [conv.source] if isinstance(conv.source, str) else list(_parts(conv.source))
        if not all(one in widths for one in sources):
            raise ModelError(f"{what}: {name}: wanted sources among the convolutions before it, found {sources}")
        found = [widths[one] for one in sources]
        width = found[0] if isinstance(conv.source, Add) and len(set(found)) == 1 else sum(found)
        if width != conv.inputs:
            raise ModelError(f"{what}: {name}: wanted {conv.inputs} input channels, found {width}")
        widths[name] = conv.outputs
    if missing := [head for head in HEADS if head not in table]:
        raise ModelError(f"{what}: wanted the heads {', '.join(HEADS)}, found none called {missing[0]}")


def _parts(source: Add | Concat) -> Iterator[str]:
    yield from source.parts if isinstance(source, Concat) else source
