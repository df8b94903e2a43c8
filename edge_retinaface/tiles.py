"""Large pictures and crowds: the whole picture, and overlapping tiles of it at a larger scale, merged."""

import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from edge_retinaface.config import GRID
from edge_retinaface.data import F32, U8, ChannelOrder, Detections
from edge_retinaface.detector import RetinaFace, Stages
from edge_retinaface.errors import UsageError
from edge_retinaface.nms import nms

OVERLAP = 0.2  # of a tile's side: faces up to about a sixth of it are whole in one of them
NEAR = 0.1  # of the box's side: so close to a cut, a face may go on behind it

Tile = tuple[int, int, int, int]  # x1 y1 x2 y2, frame pixels


def parse_grid(name: str, text: str) -> tuple[int, int]:
    """Rows and columns of "2x3"; UsageError, with `name` before it."""
    if not re.fullmatch(GRID, text):
        raise UsageError(f"{name}: wanted ROWSxCOLUMNS from 1x1 to 8x8, found {text}")
    return int(text[0]), int(text[2])


def tiles(frame_hw: tuple[int, int], grid: tuple[int, int]) -> Iterator[Tile]:
    """Rows times columns of equal tiles that cover the frame, neighbours sharing OVERLAP of a side."""
    rows, columns = (_spans(side, count) for side, count in zip(frame_hw, grid, strict=True))
    for top, bottom in rows:
        for left, right in columns:
            yield left, top, right, bottom


class TiledRetinaFace(RetinaFace):
    """Looks at the picture and at `grid` (rows, columns) tiles of it; otherwise as RetinaFace. `stages` are the sums.

    A face found near an edge of a tile that is no edge of the picture is left to the other views: it may be half a
    face, and what a tile cuts, its neighbour or the whole picture shows whole.
    """

    def __init__(self, model: str | os.PathLike[str] | None = None, *, grid: tuple[int, int], **options: Any) -> None:  # noqa: ANN401 - RetinaFace's own
        super().__init__(model, **options)
        self._grid = grid

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of a picture of which no tile has to be made smaller by more than OVERLAP."""
        (height, width), (rows, columns) = super().input_hw, self._grid
        return height * rows, width * columns

    @property
    def fit_hw(self) -> tuple[int, int] | None:
        """See RetinaFace: tiles are cut from whole frames."""
        return super().fit_hw if self._grid == (1, 1) else None

    def _detect(self, pixels: U8, order: ChannelOrder, full_hw: tuple[int, int] | None = None) -> Detections:
        if self._grid == (1, 1):
            return super()._detect(pixels, order, full_hw)
        frame_hw = pixels.shape[0], pixels.shape[1]
        found, stages = [super()._detect(pixels, order)], [self.stages]
        for left, top, right, bottom in tiles(frame_hw, self._grid):
            seen = super()._detect(pixels[top:bottom, left:right], order)
            stages.append(self.stages)
            shift = np.array([left, top], np.float32)
            boxes = seen.boxes + np.tile(shift, 2)
            whole = _clear_of_cuts(boxes, (left, top, right, bottom), frame_hw)
            found.append(Detections(boxes[whole], seen.scores[whole], seen.landmarks[whole] + shift))
        self.stages = Stages(*map(sum, zip(*stages, strict=True)))
        merged = _merged(found, self.max_iou)
        if full_hw is not None:  # scaled for a detector before this one
            factor = np.array([full_hw[1] / frame_hw[1], full_hw[0] / frame_hw[0]], np.float32)
            merged = Detections(merged.boxes * np.tile(factor, 2), merged.scores, merged.landmarks * factor)
        return merged


def _clear_of_cuts(boxes: F32, tile: Tile, frame_hw: tuple[int, int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    height, width = frame_hw
    near = (boxes[:, 2:] - boxes[:, :2]) * NEAR
    start, end = np.array(tile[:2]), np.array(tile[2:])
    after_start = (boxes[:, :2] - near >= start) | (start == 0)
    before_end = (boxes[:, 2:] + near <= end) | (end == (width, height))
    clear: np.ndarray[tuple[int], np.dtype[np.bool_]] = (after_start & before_end).all(axis=1)
    return clear


def _merged(found: list[Detections], max_iou: float) -> Detections:
    boxes, scores, landmarks = (
        np.concatenate([getattr(one, part) for one in found]) for part in ("boxes", "scores", "landmarks")
    )
    keep = nms(boxes, scores, max_iou)
    return Detections(boxes[keep], scores[keep], landmarks[keep])


def _spans(side: int, count: int) -> list[tuple[int, int]]:
    """`count` equal spans of 0..side."""
    length = min(side, -(-side // (count - (count - 1) * OVERLAP)))
    starts = np.linspace(0, side - length, count).round().astype(int).tolist()
    return [(start, int(start + length)) for start in starts]
