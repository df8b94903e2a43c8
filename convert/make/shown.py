"""Which pictures calibrate, and which are kept back to measure on."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from convert.arguments import SCENES
from convert.calibrate import Pictures, folder_pictures
from convert.sample_pictures import sample_scenes
from edge_retinaface.data import U8
from edge_retinaface.spec import ModelSpec

KEPT_BACK = 5  # one picture in so many
KEPT_SCENES = 96  # built-in scenes to measure on: they cost nothing, so no calibration scene is given up for them
FEW = 2 * KEPT_BACK  # user's pictures below which all calibrate


class Shown(NamedTuple):
    """Letterboxed pictures, and what those are that measure."""

    calibration: Pictures
    kept_back: tuple[U8, ...]  # uint8 (H, W, 3), as `Pictures.tensors`; may be empty
    origin: str


def choose_pictures(folder: Path | None, spec: ModelSpec, *, keep_back: bool) -> Shown:
    """All of a folder, or all but every fifth; without one built-in scenes, of which enough are left to measure."""
    if folder is None:
        return Shown(Pictures.letterboxed(sample_scenes(spec.input_hw, SCENES), spec), (), "")
    every = Pictures.letterboxed(folder_pictures(folder), spec)
    if not keep_back or len(every.tensors) < FEW:
        return Shown(every, (), "")
    calibration = _without_kept_back(every.tensors)
    kept_back = every.tensors[KEPT_BACK - 1 :: KEPT_BACK]
    return Shown(Pictures(tuple(calibration), spec.centre), kept_back, f"pictures of {folder}")


def training_pictures(folder: Path, *, keep_back: bool) -> tuple[U8, ...]:
    """The pictures of a folder, as they are, that `choose_pictures` calibrates with."""
    every = tuple(folder_pictures(folder))
    return tuple(_without_kept_back(every)) if keep_back and len(every) >= FEW else every


def _without_kept_back(every: Sequence[U8]) -> list[U8]:
    return [one for number, one in enumerate(every, 1) if number % KEPT_BACK]


def measuring_scenes(spec: ModelSpec) -> tuple[U8, ...]:
    """Built-in scenes that never calibrate."""
    return Pictures.letterboxed(islice(sample_scenes(spec.input_hw, SCENES + KEPT_SCENES), SCENES, None), spec).tensors
