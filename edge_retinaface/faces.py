"""What people do with faces: align, crop, blur, draw. Pure functions of a picture and detections."""

import math
from typing import Literal, get_args

import cv2
import numpy as np

from edge_retinaface.data import F32, U8, Detections
from edge_retinaface.errors import ConfigError

# ArcFace's template for 112x112 crops (Deng et al., 2019, insightface), x y, in the order of LANDMARK_NAMES
ARCFACE_HW = (112, 112)
ARCFACE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
MaskShape = Literal["ellipse", "box"]
BOX_COLOUR = (80, 220, 60)
POINT_COLOURS = ((60, 60, 255), (255, 160, 40), (40, 220, 255), (200, 80, 255), (255, 80, 160))


def align_matrix(landmarks: F32, template: F32 = ARCFACE_POINTS) -> F32:
    """float32 (2, 3): the similarity transform that brings five points (5, 2) closest to `template` (5, 2).

    Least squares over rotation, one scale and shift (Umeyama, 1991, with reflections left out).
    """
    source = landmarks - landmarks.mean(axis=0)
    target = template - template.mean(axis=0)
    power = float((source * source).sum())
    if power == 0:  # five points in one place: nothing to turn or scale
        cosine, sine = 1.0, 0.0
    else:
        cosine = float((source * target).sum()) / power
        sine = float((source[:, 0] * target[:, 1] - source[:, 1] * target[:, 0]).sum()) / power
    turn = np.array([[cosine, -sine], [sine, cosine]])
    shift = template.mean(axis=0) - turn @ landmarks.mean(axis=0)
    return np.column_stack([turn, shift]).astype(np.float32)


def crop_faces(pixels: U8, detections: Detections, *, align: bool = True) -> list[U8]:
    """One picture a face, best first: aligned 112x112 for ArcFace-like networks, or the box as it is.

    A box without a whole pixel inside the picture gives no crop when `align` is off.
    """
    if align:
        height, width = ARCFACE_HW
        return [
            np.asarray(cv2.warpAffine(pixels, align_matrix(landmarks), (width, height)), np.uint8)
            for landmarks in detections.landmarks
        ]
    boxes = [_inside(box, pixels) for box in detections.boxes]
    return [pixels[y1:y2, x1:x2].copy() for x1, y1, x2, y2 in boxes if x2 > x1 and y2 > y1]


def blur_faces(pixels: U8, detections: Detections, *, mask_scale: float = 1.2, shape: MaskShape = "ellipse") -> U8:
    """A copy with every face made unrecognisable. `mask_scale` grows the box about its centre: 1.2 is 20 % larger.

    ConfigError for a mask smaller than the box, which would leave some of the face to see, or of another shape.
    """
    if not 1 <= mask_scale < math.inf:
        raise ConfigError(f"mask_scale: wanted a number of at least 1, found {mask_scale}")
    if shape not in get_args(MaskShape):
        raise ConfigError(f"shape: wanted {' or '.join(get_args(MaskShape))}, found {shape}")
    out = pixels.copy()
    for box in detections.boxes:
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * mask_scale
        if shape == "ellipse":
            half = half * np.float32(np.sqrt(2))  # the ellipse then contains the grown box, corners included
        x1, y1, x2, y2 = _inside(np.concatenate([centre - half, centre + half]), pixels)
        if x2 <= x1 or y2 <= y1:
            continue
        region = out[y1:y2, x1:x2]
        hidden = _pixelate(region)
        if shape == "box":
            region[...] = hidden
        else:
            mask = np.zeros(region.shape[:2], np.uint8)
            axes = (math.ceil(half[0]) + 1, math.ceil(half[1]) + 1)  # whole pixels, corners included
            cv2.ellipse(mask, (round(float(centre[0])) - x1, round(float(centre[1])) - y1), axes, 0, 0, 360, 255, -1)
            region[mask > 0] = hidden[mask > 0]
    return out


def draw_faces(pixels: U8, detections: Detections) -> U8:
    """A copy with boxes, scores and the five points drawn on it."""
    out = pixels.copy()
    thick = max(1, round(max(pixels.shape[:2]) / 500))
    for box, score, landmarks in detections:
        x1, y1, x2, y2 = (round(float(side)) for side in box)
        cv2.rectangle(out, (x1, y1), (x2, y2), BOX_COLOUR, thick, cv2.LINE_AA)
        for (x, y), colour in zip(landmarks, POINT_COLOURS, strict=True):
            cv2.circle(out, (round(float(x)), round(float(y))), thick + 1, colour, -1, cv2.LINE_AA)
        size = 0.4 * thick + 0.1
        place = (x1, max(y1 - 3 * thick, 12))
        cv2.putText(out, f"{score:.2f}", place, cv2.FONT_HERSHEY_SIMPLEX, size, BOX_COLOUR, thick, cv2.LINE_AA)
    return out


def _inside(box: F32, pixels: U8) -> tuple[int, int, int, int]:
    """x1 y1 x2 y2 in whole pixels that cover the box, cut to the picture."""
    height, width = pixels.shape[:2]
    x1, y1 = np.floor(box[:2]).astype(int)
    x2, y2 = np.ceil(box[2:]).astype(int)
    return max(int(x1), 0), max(int(y1), 0), min(int(x2), width), min(int(y2), height)


def _pixelate(region: U8) -> U8:
    """Eight blocks across at most, each of four pixels at least: what is averaged away cannot be sharpened back."""
    height, width = region.shape[:2]
    small = cv2.resize(region, (min(8, -(-width // 4)), min(8, -(-height // 4))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
