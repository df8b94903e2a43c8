"""Large pictures and crowds: the whole picture, and overlapping tiles of it at a larger scale, merged."""

from collections.abc import Iterator

import numpy as np

from edge_retinaface.data import F32, Detections, Frame
from edge_retinaface.detector import RetinaFace, Stages
from edge_retinaface.errors import ConfigError
from edge_retinaface.nms import nms

OVERLAP = 0.2  # of a tile's side: faces up to about a sixth of it are whole in one of them
NEAR = 0.1  # of the box's side: so close to a cut, a face may go on behind it
MOST_TILES = 8  # along a side

Tile = tuple[int, int, int, int]  # x1 y1 x2 y2, frame pixels


def tiles(frame_hw: tuple[int, int], grid: tuple[int, int]) -> Iterator[Tile]:
    """Rows times columns of equal tiles that cover the frame, neighbours sharing OVERLAP of a side."""
    rows, columns = (_spans(side, count) for side, count in zip(frame_hw, grid, strict=True))
    for top, bottom in rows:
        for left, right in columns:
            yield left, top, right, bottom


def detect_in_tiles(detector: RetinaFace, frame: Frame, grid: tuple[int, int]) -> Detections:
    """Faces of the frame and of `grid` (rows, columns) tiles of it; the detector's `stages` are the sums.

    A face found near an edge of a tile that is no edge of the frame is left to the other views: it may be half a face,
    and what a tile cuts, its neighbour or the whole frame shows whole.
    """
    if not all(1 <= count <= MOST_TILES for count in grid):
        raise ConfigError(f"tiles: wanted from 1 to {MOST_TILES} rows and columns, found {grid[0]}x{grid[1]}")
    frame_hw = frame.pixels.shape[0], frame.pixels.shape[1]
    found = [detector.detect(frame)]
    stages = [detector.stages]
    for left, top, right, bottom in tiles(frame_hw, grid) if grid != (1, 1) else ():
        part = Frame(frame.pixels[top:bottom, left:right], frame.order, frame.sequence, frame.captured_ns)
        seen = detector.detect(part)
        stages.append(detector.stages)
        shift = np.array([left, top], np.float32)
        boxes = seen.boxes + np.tile(shift, 2)
        whole = _clear_of_cuts(boxes, (left, top, right, bottom), frame_hw)
        found.append(Detections(boxes[whole], seen.scores[whole], seen.landmarks[whole] + shift))
    detector.stages = Stages(*map(sum, zip(*stages, strict=True)))
    return _merged(found, detector.max_iou)


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
