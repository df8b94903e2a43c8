"""Non-maximum suppression."""

import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import F32


def nms(boxes: F32, scores: F32, max_iou: float) -> NDArray[np.intp]:
    """Rows of the boxes that stay, best score first: greedy, a box goes if its IoU with a better one is over `max_iou`.

    `boxes` is float32 (n, 4), x1 y1 x2 y2; `scores` float32 (n,). Equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    x1, y1, x2, y2 = boxes[order].T.copy()  # columns apart: each is read as a run of memory
    areas = (x2 - x1) * (y2 - y1)
    keep = []
    left = np.arange(len(order))
    while len(left):
        best, left = left[0], left[1:]
        keep.append(best)
        width = np.minimum(x2[left], x2[best]) - np.maximum(x1[left], x1[best])
        height = np.minimum(y2[left], y2[best]) - np.maximum(y1[left], y1[best])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        # IoU compared without a division: boxes of no area then suppress nothing instead of dividing by zero
        left = left[shared <= max_iou * (areas[left] + areas[best] - shared)]
    return order[np.asarray(keep, np.intp)]
