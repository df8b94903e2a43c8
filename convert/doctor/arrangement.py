"""Which output holds what: by shape alone, whatever it is called."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from convert.doctor.subject import Output
from convert.layout import STRIDES, VALUES, Kind
from edge_retinaface.data import F32
from edge_retinaface.errors import ModelError
from edge_retinaface.spec import ANCHORS_PER_CELL, INPUT_MULTIPLE, ModelSpec

CLASSES = 2  # background and face, where a network has not joined them to one value
WIDTHS: dict[int, Kind] = {values: kind for kind, values in VALUES.items()} | {CLASSES: "scores"}
MERGED = VALUES["boxes"] + VALUES["landmarks"]  # and one or two score values in between
LARGEST_SIDE = 1280  # pixels, of networks whose size only their number of anchors tells
WORDS: dict[Kind, str] = {
    "boxes": r"box|loc",
    "scores": r"score|conf|cls|class|prob|softmax",
    "landmarks": r"land|ldm|lmk|kps|point",
}


class Part(NamedTuple):
    """Columns of an output that are one kind's, for one level or for all."""

    output: int
    kind: Kind
    width: int  # values an anchor
    start: int = 0  # first column, where an output holds several kinds
    of: int = 0  # columns an anchor of such an output
    level: int | None = None  # None: all levels, concatenated
    channels_first: bool = False


class Arrangement(NamedTuple):
    """All parts, and the size of the network that puts out so many anchors."""

    parts: tuple[Part, ...]
    net_hw: tuple[int, int]


class Columns(NamedTuple):
    """Each kind's values, (n, width); levels from fine to coarse."""

    boxes: F32
    scores: F32
    landmarks: F32


def arrange(outputs: tuple[Output, ...], input_hw: tuple[int, int], what: str) -> Arrangement:
    """The arrangement of the outputs; ModelError if they cannot be a RetinaFace's."""
    for net_hw in _sizes(outputs, input_hw):
        parts = _assign(outputs, net_hw)
        if _complete(parts):
            return Arrangement(tuple(parts), net_hw)
    found = ", ".join(f"{one.name} {'x'.join(map(str, one.shape))}" for one in outputs)
    raise ModelError(f"{what}: wanted boxes, scores and landmarks of a RetinaFace, found {found}")


def gather(arrangement: Arrangement, values: tuple[F32, ...]) -> Columns:
    """The values of every kind as the arrangement says."""
    columns = []
    for kind in VALUES:
        parts = sorted((one for one in arrangement.parts if one.kind == kind), key=lambda one: one.level or 0)
        columns.append(np.concatenate([_part(one, values[one.output]) for one in parts]))
    return Columns(*columns)


def named_kind(name: str) -> Kind | None:
    """The kind that a tensor's name speaks of, if it speaks of one."""
    found: list[Kind] = [kind for kind, words in WORDS.items() if re.search(words, name.lower())]
    return found[0] if len(found) == 1 else None


def cells(net_hw: tuple[int, int]) -> list[tuple[int, int]]:
    """Rows and columns of every level."""
    spec = ModelSpec(net_hw)
    return [spec.level_hw(stride) for stride in STRIDES]


def _part(part: Part, values: F32) -> F32:
    if part.channels_first:
        values = np.moveaxis(values, 1, -1)
    return values.reshape(-1, part.of or part.width)[:, part.start : part.start + part.width]


def _assign(outputs: tuple[Output, ...], net_hw: tuple[int, int]) -> list[Part]:
    options = [list(_options(number, output, net_hw)) for number, output in enumerate(outputs)]
    chosen = [one for found in options if len(found) == 1 or _merged(found) for one in found]
    # what a shape leaves open, the others settle: no kind is there twice
    for found, output in zip(options, outputs, strict=True):
        if len(found) > 1 and not _merged(found):
            free = [one for one in found if not any(_same_place(one, other) for other in chosen)]
            named = [one for one in free if one.kind == named_kind(output.name)]
            chosen += (named or free)[:1]
    return chosen


def _options(number: int, output: Output, net_hw: tuple[int, int]) -> Iterator[Part]:
    shape, size = output.shape, math.prod(output.shape)
    levels = cells(net_hw)
    counts = [rows * columns * ANCHORS_PER_CELL for rows, columns in levels]
    if len(shape) == 4:  # noqa: PLR2004 # batch, rows, columns, channels
        for level, side in enumerate(levels):
            for channels, channels_first in ((3, False), (1, True)):
                around = shape[2:] if channels_first else shape[1:3]
                kind = WIDTHS.get(shape[channels] // ANCHORS_PER_CELL)
                if tuple(around) == side and kind and shape[channels] % ANCHORS_PER_CELL == 0:
                    yield Part(
                        number, kind, shape[channels] // ANCHORS_PER_CELL, level=level, channels_first=channels_first
                    )
                    return
    width = shape[-1] if shape else 0
    places = {sum(counts): None, counts[0]: 0, counts[1]: 1, counts[2]: 2}
    if width in WIDTHS and size // width in places:
        yield Part(number, WIDTHS[width], width, level=places[size // width])
    elif 0 < width - MERGED <= CLASSES and size // width in places:
        start = 0
        for kind, values in VALUES.items():
            own = width - MERGED if kind == "scores" else values
            yield Part(number, kind, own, start, width, places[size // width])
            start += own
    else:
        for values, kind in WIDTHS.items():
            if size % values == 0 and size // values in places:
                yield Part(number, kind, values, level=places[size // values])


def _merged(found: list[Part]) -> bool:
    return bool(found) and found[-1].of > 0


def _same_place(one: Part, other: Part) -> bool:
    return one.kind == other.kind and (one.level == other.level or None in (one.level, other.level))


def _complete(parts: list[Part]) -> bool:
    for kind in VALUES:
        levels = [one.level for one in parts if one.kind == kind]
        if levels != [None] and sorted(levels, key=str) != list(range(len(STRIDES))):
            return False
    return True


def _sizes(outputs: tuple[Output, ...], input_hw: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The input's size, then others that the outputs suggest: squares first, then the likest shape."""
    yield input_hw
    finest = [one.shape[1:3] for one in outputs if len(one.shape) == 4]  # noqa: PLR2004 # batch, rows, columns, channels
    if finest:
        rows, columns = max(finest)
        yield rows * STRIDES[0], columns * STRIDES[0]
        return
    rows_wanted = {math.prod(one.shape[:-1]) for one in outputs}
    sides = range(INPUT_MULTIPLE, LARGEST_SIDE + 1, INPUT_MULTIPLE)
    wanted = [
        (height, width)
        for height in sides
        for width in sides
        if sum(rows * columns for rows, columns in cells((height, width))) * ANCHORS_PER_CELL in rows_wanted
    ]
    aspect = math.log(input_hw[0] / input_hw[1])
    yield from sorted(wanted, key=lambda hw: (hw[0] != hw[1], abs(math.log(hw[0] / hw[1]) - aspect)))
