"""A smaller network instead of the whole one, and the whole one to measure it against."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from convert.arguments import read_noted
from convert.compress.budget import find_budget, parse_budget
from convert.compress.command import STANDARD, compressed
from convert.make.search import FLOAT
from convert.tflite import Mode
from convert.weights import Weights
from edge_retinaface.commands.paths import as_path
from edge_retinaface.data import U8
from edge_retinaface.errors import UsageError

OriginalOption = Annotated[
    Path | None,
    typer.Option(
        parser=as_path,
        help="Weights that these compressed ones come from: int8 learns from them, limits and report use them.",
    ),
]


class Pair(NamedTuple):
    """What a file is measured against, and what it is made of instead, if that is another network."""

    whole: Weights
    smaller: Weights | None


def check_smaller(compress: str | None, original: Path | None, folder: Path | None, modes: Sequence[Mode]) -> None:
    """UsageError for options that do not go together, before anything is read."""
    if compress is not None:
        parse_budget("--compress", compress)
        if original:
            raise UsageError("--original: wanted weights that are compressed already, found --compress")
        if folder is None:
            raise UsageError("--compress: wanted --pictures, a folder of pictures with faces, found none")
    if (compress or original) and FLOAT in modes:
        name = "--compress" if compress else "--original"
        raise UsageError(f"{name}: wanted a quantized --mode (convert compress makes float weights), found float32")


def compress_whole(weights: Path, family: str | None, budget: str, pictures: Iterable[U8]) -> Pair:
    """The network and one that costs less, made now."""
    whole = read_noted(weights, family)
    found = find_budget("--compress", budget, whole)
    return Pair(whole, compressed(whole, pictures, found, STANDARD.steps, STANDARD.seed).weights)


def read_pair(weights: Path, family: str | None, original: Path | None) -> Pair:
    """The network; or, with `original`, that one and the compressed one that came from it."""
    ready = read_noted(weights, family)
    if original is None:
        return Pair(ready, None)
    whole = read_noted(original, family)
    if ready.source.compression is None or ready.source.sha256 != whole.source.sha256:
        found = "another's" if ready.source.compression else "weights that are not compressed"
        raise UsageError(f"{weights}: wanted what convert compress made of {original}, found {found}")
    return Pair(whole, ready)
