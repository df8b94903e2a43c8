"""Views: parts of pictures, mirrored, at several scales, relit, blurred, so that a few hundred pictures suffice.

Teacher and student see the same view, so no view needs a target of its own. A view shows what a device might see: a
student with less to spend learns pictures that none will show at the cost of those that all will.
"""

import math

import cv2
import numpy as np

from convert.distill.scenes import LOOK_HW, Scene
from edge_retinaface.data import F32, U8

AROUND_FACES = 0.85  # of the views; the others are cut anywhere
SCALE = 0.5  # standard deviation of the logarithm of a view's scale, about that of a whole picture in LOOK_HW
SCALES = (0.2, 2.0)  # view pixels per picture pixel, at the least and at most
TURN = 4.0  # degrees, standard deviation
STRETCH = 0.05  # standard deviation of the logarithm of width against height
LIT = 0.2  # standard deviation of the logarithm of contrast; of colours a quarter
NOISE = 8  # grey levels, at most


def draw_view(scenes: tuple[Scene, ...], view_hw: tuple[int, int], grey: int, chance: np.random.Generator) -> U8:
    """One view, uint8 (H, W, 3) BGR; `grey` fills what lies outside the picture."""
    scene = scenes[int(chance.integers(len(scenes)))]
    height, width = scene.pixels.shape[:2]
    whole = min(LOOK_HW[0] / height, LOOK_HW[1] / width)
    scale = float(np.clip(whole * math.exp(chance.normal(0, SCALE)), *SCALES))
    if len(scene.boxes) and chance.random() < AROUND_FACES:
        x1, y1, x2, y2 = scene.boxes[int(chance.integers(len(scene.boxes)))]
        centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2], np.float32)
    else:
        centre = chance.uniform(0, [width, height]).astype(np.float32)
    return _relight(_cut(scene.pixels, centre, scale, view_hw, grey, chance), chance)


def draw_blend(
    scenes: tuple[Scene, ...], view_hw: tuple[int, int], grey: int, chance: np.random.Generator, share: float
) -> U8:
    """One view, or, for that share of them, two seen through each other.

    What the teacher says about such pictures tells more of it than faces that it is sure of (Beyer et al., 2022, "A
    good teacher is patient and consistent").
    """
    view = draw_view(scenes, view_hw, grey, chance)
    if share and chance.random() < share:
        weight = chance.uniform(0.5, 1)
        other = draw_view(scenes, view_hw, grey, chance)
        view = np.asarray(cv2.addWeighted(view, weight, other, 1 - weight, 0), np.uint8)
    return view


def _cut(pixels: U8, centre: F32, scale: float, view_hw: tuple[int, int], grey: int, chance: np.random.Generator) -> U8:
    """The part of the picture that has `centre` somewhere in its middle, and as little outside as can be."""
    if scale < 0.5 and chance.random() < 0.5:  # noqa: PLR2004 # cameras' scalers are of both kinds
        shrink = 2 * scale
        pixels = np.asarray(cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        centre, scale = centre * np.float32(shrink), 0.5
    size, view = np.array(pixels.shape[1::-1]) * scale, np.array(view_hw[::-1], float)
    start = centre * scale - view * chance.uniform(0.15, 0.85, 2)
    start = np.where(size > view, np.clip(start, 0, np.maximum(size - view, 0)), (size - view) * chance.uniform(0, 1))
    middle = (start + view / 2) / scale
    angle, stretch = math.radians(chance.normal(0, TURN)), math.exp(chance.normal(0, STRETCH))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * scale
    turn = turn @ np.diag([chance.choice([-1.0, 1.0]) * stretch, 1 / stretch])
    # a pixel's index is a half less than where its middle is
    matrix = np.column_stack([turn, view / 2 - 0.5 - turn @ (middle - 0.5)])
    border = (grey, grey, grey)
    return np.asarray(cv2.warpAffine(pixels, matrix, (view_hw[1], view_hw[0]), borderValue=border), np.uint8)


def _relight(view: U8, chance: np.random.Generator) -> U8:
    """Another exposure, white balance, sharpness and noise; half of the views stay as they are."""
    if chance.random() < 0.5:  # noqa: PLR2004
        gain = np.exp(chance.normal(0, LIT) + chance.normal(0, LIT / 4, 3))
        table = np.arange(256)[:, None] * gain + chance.normal(0, 8)
        view = np.asarray(cv2.LUT(view, np.clip(table, 0, 255).astype(np.uint8)[:, None]), np.uint8)
    kind = chance.random()
    if kind < 0.1:  # noqa: PLR2004
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), chance.uniform(0.4, 1.0)), np.uint8)
    elif kind < 0.2:  # noqa: PLR2004
        most = int(chance.integers(2, NOISE))
        noise = chance.integers(0, 2 * most + 1, view.shape, np.uint8)
        view = np.asarray(cv2.subtract(cv2.add(view, noise), np.full_like(view, most)), np.uint8)
    return view
