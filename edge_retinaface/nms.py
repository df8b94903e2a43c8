"""Non-maximum suppression."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import F32

Rows = NDArray[np.intp]

CROWD = 512  # boxes; up to here OpenCV's loop over all pairs is quicker than looking for the pairs that meet
BEST = 128  # boxes of a crowd that go first
BLOCK = 128  # boxes compared with the others at a time, so that a table of comparisons stays in the cache


def nms(boxes: F32, scores: F32, max_iou: float) -> Rows:
    """Rows of the boxes that stay, best score first: greedy, a box goes if its IoU with a better one is over `max_iou`.

    `boxes` is float32 (n, 4), x1 y1 x2 y2; `scores` float32 (n,). Equal scores keep their order.
    """
    order = (-scores).argsort(kind="stable")
    ranked = boxes.take(order, 0)
    return order[_greedy(ranked, max_iou) if len(order) <= CROWD else _greedy_in_a_crowd(ranked, max_iou)]


def _greedy(ranked: F32, max_iou: float) -> Rows:
    """Rows that stay of boxes in the order of their scores."""
    rectangles = ranked.astype(np.float64)  # then the sides are exact, and OpenCV computes as the definition does
    rectangles[:, 2:] -= rectangles[:, :2]
    if np.count_nonzero(rectangles[:, 2:] <= 0):  # to OpenCV two boxes without area are the same box
        return _survivors(len(ranked), *_overlapping(ranked, ranked, max_iou))
    places = range(len(ranked), 0, -1)  # instead of scores: OpenCV leaves out those of 0
    return np.asarray(cv2.dnn.NMSBoxes(rectangles.tolist(), places, 0.0, max_iou), np.intp).reshape(-1)


def _greedy_in_a_crowd(ranked: F32, max_iou: float) -> Rows:
    """As `_greedy`: the best boxes first, which leave little to compare, then pairs that meet among the others."""
    best = _greedy(ranked[:BEST], max_iou)
    others = ranked[BEST:]
    left = np.ones(len(others), bool)
    left[_overlapping(ranked[best], others, max_iou)[1]] = False
    rows = left.nonzero()[0]
    others = others[rows]
    return np.concatenate([best, rows[_survivors(len(rows), *_overlapping(others, others, max_iou))] + BEST])


def _survivors(count: int, one: Rows, other: Rows) -> Rows:
    """Of `count` ranked boxes those that stay when of each pair the better removes the other, unless it goes itself."""
    apart = one != other
    better, worse = np.minimum(one[apart], other[apart]), np.maximum(one[apart], other[apart])
    stays = np.ones(count, bool)
    while len(better):  # a box that no pair names as worse is safe: take out its victims, and with them their pairs
        safe = np.ones(count, bool)
        safe[worse] = False
        stays[worse[safe[better]]] = False
        open_ = ~safe[better] & stays[better] & stays[worse]
        better, worse = better[open_], worse[open_]
    return stays.nonzero()[0]


def _overlapping(first: F32, second: F32, max_iou: float) -> tuple[Rows, Rows]:
    """Rows i of `first` and j of `second` whose IoU is over `max_iou`; of an array with itself, once or twice.

    Boxes whose IoU is over t still meet when both are shrunk to 1 - t about their centres, as the shared width is then
    over t times the mean width. So shrunk boxes are compared first, in order of their left sides, near ones only.
    """
    other = _shrunk(second, 1 - max_iou)
    by_left = other[0].argsort()
    left, top, right, bottom = other.take(by_left, 1)
    reach = np.maximum.accumulate(right)
    parts: tuple[list[Rows], list[Rows]] = ([np.empty(0, np.intp)], [np.empty(0, np.intp)])
    one = other if first is second else _shrunk(first, 1 - max_iou)
    in_order = by_left if first is second else one[0].argsort()
    for start in range(0, len(first), BLOCK):
        rows = in_order[start : start + BLOCK]
        x1, y1, x2, y2 = one[:, rows, None]
        # of one array, the pairs before start are found already
        low = start if first is second else int(reach.searchsorted(x1.min()))
        high = int(left.searchsorted(x2.max(), "right"))
        meet = left[low:high] <= x2
        meet &= right[low:high] >= x1
        meet &= top[low:high] <= y2
        meet &= bottom[low:high] >= y1
        row, column = divmod(meet.reshape(-1).nonzero()[0], high - low)
        parts[0].append(rows[row])
        parts[1].append(by_left[column + low])
    i, j = np.concatenate(parts[0]), np.concatenate(parts[1])
    over = _iou_is_over(first[i], second[j], max_iou)
    return i[over], j[over]


def _shrunk(boxes: F32, factor: float) -> F32:
    """float32 (4, n), left top right bottom: boxes made smaller about their centres, if a hair less than asked for."""
    x1, y1, x2, y2 = boxes.T
    cut = np.float32((1 - factor) * 0.4999)
    cut_x, cut_y = (x2 - x1) * cut, (y2 - y1) * cut
    return np.stack([x1 + cut_x, y1 + cut_y, x2 - cut_x, y2 - cut_y])


def _iou_is_over(first: F32, second: F32, max_iou: float) -> NDArray[np.bool_]:
    """For each pair of rows. Compared without a division: boxes of no area then overlap nothing."""
    a, b = first.T, second.T
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    over: NDArray[np.bool_] = shared > max_iou * (both - shared)
    return over
