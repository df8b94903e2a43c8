"""Views: parts of pictures at random scales, mirrored, relit, blurred, so that a few hundred pictures suffice.

Teacher and student see the same view, so no view needs a target of its own.
"""

import math

import cv2
import numpy as np

from convert.distill.scenes import Scene
from edge_retinaface.data import U8

AROUND_FACES = 0.85  # of the views; the others are cut anywhere
FACE_SIDES = (6.0, 300.0)  # pixels in the view, drawn evenly in the logarithm: what anchors are for
SCALES = (0.25, 2.0)  # view pixels per picture pixel: beyond, pictures show nothing that is true
TURN = 8.0  # degrees, standard deviation
STRETCH = 0.08  # standard deviation of the logarithm of width against height
LIT = 0.25  # standard deviation of the logarithm of contrast; of colours a third
REFLECTED = 0.6  # of the views show the picture mirrored where it ends: more faces than grey has
NOISE = 12  # grey levels, at most


def draw_view(scenes: tuple[Scene, ...], view_hw: tuple[int, int], grey: int, chance: np.random.Generator) -> U8:
    """One view, uint8 (H, W, 3) BGR; `grey` fills what lies outside the picture."""
    scene = scenes[int(chance.integers(len(scenes)))]
    height, width = scene.pixels.shape[:2]
    if len(scene.boxes) and chance.random() < AROUND_FACES:
        x1, y1, x2, y2 = scene.boxes[int(chance.integers(len(scene.boxes)))]
        centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
        scale = _log_uniform(chance, *FACE_SIDES) / max(float(x2 - x1), float(y2 - y1), 1.0)
    else:
        centre = chance.uniform(0, [width, height])
        scale = _log_uniform(chance, *SCALES)
    scale = float(np.clip(scale, *SCALES))
    return _relight(_cut(scene.pixels, centre, scale, view_hw, grey, chance), chance)


def _log_uniform(chance: np.random.Generator, low: float, high: float) -> float:
    return math.exp(chance.uniform(math.log(low), math.log(high)))


def _cut(
    pixels: U8, centre: np.ndarray, scale: float, view_hw: tuple[int, int], grey: int, chance: np.random.Generator
) -> U8:
    """The part of the picture that puts `centre` somewhere into the middle of the view."""
    if scale < 0.5 and chance.random() < 0.5:  # noqa: PLR2004 # cameras' scalers are of both kinds
        shrink = 2 * scale
        pixels = np.asarray(cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        centre, scale = centre * shrink, 0.5
    angle, stretch = math.radians(chance.normal(0, TURN)), math.exp(chance.normal(0, STRETCH))
    mirror = chance.choice([-1.0, 1.0])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * scale
    turn = turn @ np.diag([mirror * stretch, 1 / stretch])
    height, width = view_hw
    spot = chance.uniform([0.15 * width, 0.15 * height], [0.85 * width, 0.85 * height])
    matrix = np.column_stack([turn, spot - turn @ centre])
    mode = cv2.BORDER_REFLECT_101 if chance.random() < REFLECTED else cv2.BORDER_CONSTANT
    border = (grey, grey, grey)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), borderMode=mode, borderValue=border), np.uint8)


def _relight(view: U8, chance: np.random.Generator) -> U8:
    """Another exposure, white balance, sharpness and noise."""
    gain = np.exp(chance.normal(0, LIT) + chance.normal(0, LIT / 3, 3)) if chance.random() < 0.7 else np.ones(3)  # noqa: PLR2004
    table = np.arange(256)[:, None] * gain + chance.normal(0, 10)
    view = np.asarray(cv2.LUT(view, np.clip(table, 0, 255).astype(np.uint8)[:, None]), np.uint8)
    kind = chance.random()
    if kind < 0.15:  # noqa: PLR2004
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), chance.uniform(0.4, 1.2)), np.uint8)
    elif kind < 0.2:  # noqa: PLR2004
        view = np.asarray(cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
    if chance.random() < 0.3:  # noqa: PLR2004
        most = int(chance.integers(2, NOISE))
        noise = chance.integers(0, 2 * most + 1, view.shape, np.uint8)
        view = np.asarray(cv2.subtract(cv2.add(view, noise), np.full_like(view, most)), np.uint8)
    return view
