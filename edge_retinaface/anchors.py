"""Anchors (prior boxes): made once per model, never per frame."""

import numpy as np

from edge_retinaface.data import F32
from edge_retinaface.spec import ModelSpec


def make_anchors(spec: ModelSpec) -> tuple[F32, ...]:
    """One float32 (h * w * 2, 4) array a level, cx cy width height, tensor pixels.

    Row order is (cell row, cell column, anchor size), the order of the network's outputs. An anchor is square and
    centred on its cell (Deng et al., RetinaFace, 2019, section 3.2, with the sizes of its MobileNet release).
    """
    return tuple(
        _level(spec.level_hw(stride), stride, sizes)
        for stride, sizes in zip(spec.strides, spec.anchor_sizes, strict=True)
    )


def _level(cells_hw: tuple[int, int], stride: int, sizes: tuple[int, int]) -> F32:
    rows, columns = cells_hw
    anchors = np.empty((rows, columns, len(sizes), 4), np.float32)
    anchors[..., 0] = ((np.arange(columns) + 0.5) * stride)[None, :, None]
    anchors[..., 1] = ((np.arange(rows) + 0.5) * stride)[:, None, None]
    anchors[..., 2] = anchors[..., 3] = sizes
    return anchors.reshape(-1, 4)
