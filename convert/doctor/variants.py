"""Other orders in which a converter may have written the same anchors and the same columns."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from convert.doctor.arrangement import Columns, cells
from edge_retinaface.data import F32
from edge_retinaface.spec import ANCHORS_PER_CELL


class Order(NamedTuple):
    """An order of the anchors; `detail` is empty for the right one."""

    detail: str
    put_right: Callable[[F32, tuple[int, int]], F32]  # one level's (n, width) and its cells


def _plain(values: F32, _: tuple[int, int]) -> F32:
    return values


def _by_axes(shape: str) -> Callable[[F32, tuple[int, int]], F32]:
    def put_right(values: F32, level_hw: tuple[int, int]) -> F32:
        sides = {"h": level_hw[0], "w": level_hw[1], "a": ANCHORS_PER_CELL}
        cube = values.reshape(*(sides[axis] for axis in shape), -1)
        return cube.transpose(*(shape.index(axis) for axis in "hwa"), 3).reshape(values.shape)

    return put_right


def _swap_pairs(values: F32, _: tuple[int, int]) -> F32:
    return values.reshape(-1, ANCHORS_PER_CELL, values.shape[1])[:, ::-1].reshape(values.shape)


ORDERS = (
    Order("", _plain),
    Order("the two anchors of a cell the other way round", _swap_pairs),
    Order("all cells of one anchor size before those of the next", _by_axes("ahw")),
    Order("cells by columns instead of rows", _by_axes("wha")),
)
COARSE_FIRST = "levels from coarse to fine"
BOX_COLUMNS = {"": (0, 1, 2, 3), "boxes y before x": (1, 0, 3, 2), "box sizes before centres": (2, 3, 0, 1)}
LANDMARK_COLUMNS = {
    "": tuple(range(10)),
    "right and left of the face exchanged": (2, 3, 0, 1, 4, 5, 8, 9, 6, 7),
    "landmarks y before x": (1, 0, 3, 2, 5, 4, 7, 6, 9, 8),
    "all landmark x before all y": (0, 5, 1, 6, 2, 7, 3, 8, 4, 9),
}


def reordered(columns: Columns, net_hw: tuple[int, int], *, concatenated: bool) -> dict[str, Columns]:
    """The columns put right under every order, by its detail; level orders only where levels are concatenated."""
    levels = cells(net_hw)
    found = {order.detail: _each_level(columns, levels, order, backwards=False) for order in ORDERS}
    if concatenated:
        found[COARSE_FIRST] = _each_level(columns, levels, ORDERS[0], backwards=True)
    return found


def _each_level(columns: Columns, levels: list[tuple[int, int]], order: Order, *, backwards: bool) -> Columns:
    written = levels[::-1] if backwards else levels
    ends = np.cumsum([rows * across * ANCHORS_PER_CELL for rows, across in written])[:-1]
    right = []
    for values in columns:
        parts = [order.put_right(part, level) for part, level in zip(np.split(values, ends), written, strict=True)]
        right.append(np.concatenate(parts[::-1] if backwards else parts))
    return Columns(*right)
