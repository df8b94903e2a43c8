"""Annotated pictures, whatever format the annotations came in."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_retinaface.errors import DataError

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]
WIDER_PICTURES, WIDER_EVENTS = 3226, 61  # of the validation set; a figure on fewer is not the official one
ALL = "all"  # the one setting of annotations that do not grade their faces


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture and its faces; row i of every array is one face."""

    path: Path
    name: str  # unique in its data set
    boxes: F64  # float64 (n, 4), x1 y1 x2 y2, pixels; x2 = x + width, without WIDER's "+ 1"
    counts: dict[str, Flags]  # setting -> bool (n,): the faces that count; to find another is neither right nor wrong
    landmarks: F64 | None = None  # float64 (n, 5, 2), x y, pixels, in the order of LANDMARK_NAMES; None: not annotated
    size_hw: tuple[int, int] | None = None  # pixels, as the annotations have it; None: they do not say
    event: str = ""  # WIDER's group of pictures


@dataclass(frozen=True, slots=True)
class Present:
    """How many of the annotated pictures of an event are there."""

    pictures: int
    of: int


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The pictures that are there, and how many more the annotations know."""

    kind: Literal["wider", "json", "voc"]
    source: Path  # where the annotations were read
    pictures: tuple[Picture, ...]
    absent: int  # annotated pictures that are not there
    events: dict[str, Present] = field(default_factory=dict)  # WIDER only: every event with a picture present
    labels: dict[str, int] = field(default_factory=dict)  # VOC only: the names of the objects taken as faces

    @property
    def remark(self) -> str:
        """What a reader of figures on these pictures must know."""
        here, everything = len(self.pictures), len(self.pictures) + self.absent
        if self.kind != "wider":
            return f"{here:,} of {everything:,} annotated pictures"
        if everything == WIDER_PICTURES and not self.absent:
            return f"all {here:,} pictures of the WIDER FACE validation set"
        return (
            f"{here:,} of {WIDER_PICTURES:,} pictures, {len(self.events)} of {WIDER_EVENTS} events: "
            "not the official WIDER FACE figure"
        )

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the sets of faces that are scored apart: easy, medium and hard, or all."""
        return tuple(self.pictures[0].counts)


def checked(boxes: F64, where: object) -> F64:
    """The boxes, x1 y1 x2 y2; DataError if one ends before it begins."""
    if len(wrong := np.flatnonzero((boxes[:, 2:] < boxes[:, :2]).any(axis=1))):
        raise DataError(f"{where}: face {wrong[0] + 1} has a negative width or height")
    return boxes


def boxes_from_xywh(xywh: object) -> F64:
    """float64 (n, 4), x1 y1 x2 y2, of n rows of x y width height."""
    boxes = np.array(xywh, np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes
