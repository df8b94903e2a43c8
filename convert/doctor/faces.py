"""Rows decoded to boxes; models of other weights, judged by whether they find the same faces."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from convert.doctor.arrangement import Columns
from convert.doctor.scores import one_column
from convert.doctor.standard import FACE, Standard
from edge_retinaface.anchors import make_anchors
from edge_retinaface.data import F32, Letterbox, LevelOutputs, QuantizedTensor
from edge_retinaface.decode import Decoder
from edge_retinaface.nms import nms
from edge_retinaface.spec import ModelSpec, ScoreMeaning

MAX_IOU = 0.4
SAME_FACE = 0.4  # IoU


class Found(NamedTuple):
    """Faces of the reference, and how many of them the model finds."""

    faces: int
    again: int
    extra: int  # boxes of the model that are none of them

    @property
    def good(self) -> bool:
        """Most are found, and not much else."""
        return self.faces > 0 and self.again >= self.faces / 2 and self.extra <= self.faces


def count_faces(standard: Standard, columns: Columns, spec: ModelSpec, meaning: ScoreMeaning | None) -> Found:
    """What a model with these outputs, read by `spec`, finds of the reference's faces on the probes."""
    values, joined = one_column(columns.scores)
    if meaning is None:
        inside = not joined and values.min() >= 0 and values.max() <= 1
        meaning = "probability" if inside else "logit_difference"
    theirs = list(_faces(Columns(columns.boxes, values[:, None], columns.landmarks), standard, spec, meaning))
    ours = list(_faces(Columns(*standard.right), standard, standard.reference.spec, "logit_difference"))
    again = [_hit(wanted, found) for wanted, found in zip(ours, theirs, strict=True)]
    extra = [len(found) - _hit(found, wanted) for wanted, found in zip(ours, theirs, strict=True)]
    return Found(sum(map(len, ours)), sum(again), sum(extra))


def decode_rows(columns: Columns, standard: Standard, spec: ModelSpec, meaning: ScoreMeaning) -> tuple[F32, F32]:
    """Boxes and scores of one probe's rows that see a face, by the device's own decoder; tensor pixels."""
    reference = standard.reference
    ends = np.cumsum(reference.level_rows)[:-1]
    kinds = [np.split(values, ends) for values in columns]
    levels = {
        stride: LevelOutputs(*(QuantizedTensor(kind[number], 1.0, 0) for kind in kinds))
        for number, stride in enumerate(reference.spec.strides)
    }
    hw = reference.spec.input_hw
    sized = ModelSpec(hw, strides=spec.strides, anchor_sizes=spec.anchor_sizes, variances=spec.variances)
    outputs = tuple(levels[stride] for stride in sized.strides)
    found = Decoder(sized, meaning, make_anchors(sized))(outputs, FACE, Letterbox((1.0, 1.0), hw))
    return found.boxes, found.scores


def probe_rows(columns: Columns, standard: Standard) -> Iterator[Columns]:
    """The rows of each probe."""
    size = sum(standard.reference.level_rows)
    for start in range(0, len(columns.scores), size):
        yield Columns(*(values[start : start + size] for values in columns))


def overlaps(boxes: F32, others: F32) -> F32:
    """IoU of every box with every other one, (n, m)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas, more = (np.prod(one[:, 2:] - one[:, :2], axis=1) for one in (boxes, others))
    return np.asarray(shared / np.maximum(areas[:, None] + more[None] - shared, 1e-6), np.float32)


def _faces(columns: Columns, standard: Standard, spec: ModelSpec, meaning: ScoreMeaning) -> Iterator[F32]:
    for rows in probe_rows(columns, standard):
        boxes, scores = decode_rows(rows, standard, spec, meaning)
        yield boxes[nms(boxes, scores, MAX_IOU)]


def _hit(wanted: F32, found: F32) -> int:
    if not len(wanted) or not len(found):
        return 0
    return int((overlaps(wanted, found).max(axis=1) >= SAME_FACE).sum())
