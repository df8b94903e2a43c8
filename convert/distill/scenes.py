"""The pictures that views are cut from, and where the teacher sees faces in them."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np

from convert.backend import tf
from convert.layout import HEADS
from convert.network import build_network
from convert.weights import Weights, centre_input
from edge_retinaface.anchors import make_anchors
from edge_retinaface.data import F32, U8, LevelOutputs, QuantizedTensor
from edge_retinaface.decode import Decoder
from edge_retinaface.errors import ImageError
from edge_retinaface.nms import nms
from edge_retinaface.preprocess import letterbox
from edge_retinaface.spec import ModelSpec

LOOK_HW = (480, 640)  # the size at which faces are looked for
SURE = 0.3  # score of a face that views are cut around
MAX_IOU = 0.4
LARGEST_SIDE = 1024  # pixels; larger pictures are shrunk: memory


class Scene(NamedTuple):
    """A picture and the faces in it."""

    pixels: U8  # uint8 (height, width, 3) BGR
    boxes: F32  # (n, 4) x1 y1 x2 y2, its pixels


def find_scenes(teacher: Weights, pictures: Iterable[U8]) -> tuple[Scene, ...]:
    """Scenes of uint8 BGR pictures of any size; ImageError if no face is found in all of them."""
    spec = ModelSpec(LOOK_HW, mean=teacher.family.mean, anchor_sizes=teacher.family.anchor_sizes)
    network = tf.function(build_network(centre_input(teacher, spec.centre), LOOK_HW))
    decode = Decoder(spec, "logit_difference", make_anchors(spec))
    tensor = np.empty((*LOOK_HW, 3), np.uint8)
    scenes = []
    for picture in map(_shrink, pictures):
        box = letterbox(picture, "BGR", spec, tensor)
        heads = network(tensor[None].astype(np.float32) - np.float32(spec.centre))
        values = [QuantizedTensor(np.asarray(heads[name]), 1.0, 0) for name in HEADS]
        levels = tuple(LevelOutputs(*three) for three in zip(*[iter(values)] * 3, strict=True))
        found = decode(levels, SURE, box)
        scenes.append(Scene(picture, found.boxes[nms(found.boxes, found.scores, MAX_IOU)]))
    if not any(len(scene.boxes) for scene in scenes):
        raise ImageError(f"distillation: wanted pictures with faces, found none in {len(scenes)} pictures")
    return tuple(scenes)


def hold_back(scenes: tuple[Scene, ...], share: float, seed: int) -> tuple[tuple[Scene, ...], tuple[Scene, ...]]:
    """Scenes to learn from, and others to judge by: at least one each, some with faces in both where there are two."""
    order = [int(one) for one in np.random.default_rng(seed).permutation(len(scenes))]
    order.sort(key=lambda number: not len(scenes[number].boxes))  # stable: faces first, so that both shares get some
    step = max(2, round(1 / share))
    judged = set(order[1::step] or order[:1])
    return tuple(scenes[one] for one in order if one not in judged or len(scenes) == 1), tuple(
        scenes[one] for one in sorted(judged)
    )


def _shrink(picture: U8) -> U8:
    scale = LARGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
