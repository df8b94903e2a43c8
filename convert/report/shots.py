"""Pictures with the faces of both networks."""

import base64
from collections.abc import Iterator
from html import escape
from itertools import chain

import cv2
import numpy as np

from convert.evaluation.boxes import OPERATING_SCORE, greedy_pairs
from convert.evaluation.prediction import Predictions
from convert.make.truth import Truth
from edge_retinaface.data import U8, Detections

SHOWN = 8
LONGEST = 560  # pixels of a picture's longer side in the page
QUALITY = 78  # of JPEG, percent


def choose_shots(reference: Predictions, candidate: Predictions, threshold: float) -> list[int]:
    """Numbers of pictures: half where the two agree least, half evenly from those with faces that are left."""
    apart = [
        len(ours) + len(theirs) - 2 * len(greedy_pairs(ours.boxes.astype(float), theirs.boxes.astype(float))[0])
        for ours, theirs in _cut_both(reference, candidate, threshold)
    ]
    seen = [number for number, ours in enumerate(reference) if (ours.scores >= OPERATING_SCORE).any()]
    worst = [number for number in sorted(range(len(apart)), key=lambda one: -apart[one]) if apart[number]][: SHOWN // 2]
    rest = [number for number in seen if number not in worst]
    places = np.linspace(0, len(rest) - 1, min(len(rest), SHOWN - len(worst))).round().astype(int)
    return worst + [rest[place] for place in dict.fromkeys(places.tolist())]


def draw_shots(truth: Truth, reference: Predictions, candidate: Predictions, threshold: float) -> list[str]:
    """Each picture as SVG: the pixels as JPEG inside, boxes and points above them."""
    both = list(_cut_both(reference, candidate, threshold))
    return [_shot(truth.picture(number), *both[number]) for number in choose_shots(reference, candidate, threshold)]


def _cut_both(
    reference: Predictions, candidate: Predictions, threshold: float
) -> Iterator[tuple[Detections, Detections]]:
    for ours, theirs in zip(reference, candidate, strict=True):
        yield _cut(ours, OPERATING_SCORE), _cut(theirs, threshold)


def _cut(found: Detections, least: float) -> Detections:
    keep = found.scores >= least
    return Detections(found.boxes[keep], found.scores[keep], found.landmarks[keep])


def _shot(pixels: U8, ours: Detections, theirs: Detections) -> str:
    scale = min(1.0, LONGEST / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    inlined = f"data:image/jpeg;base64,{base64.b64encode(coded.tobytes()).decode()}"
    height, width = small.shape[:2]
    faces = chain(_faces(ours, scale, "float"), _faces(theirs, scale, "ours"))
    return (
        f'<svg class="shot" viewBox="0 0 {width} {height}" role="img">'
        f'<image width="{width}" height="{height}" href="{inlined}"/>'
        f"{''.join(faces)}</svg>"
    )


def _faces(found: Detections, scale: float, name: str) -> Iterator[str]:
    for box, score, points in found:
        x1, y1, x2, y2 = (float(side) * scale for side in box)
        title = escape(f"{name} {score:.3f}")
        yield (
            f'<rect class="{name}" x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}">'
            f"<title>{title}</title></rect>"
        )
        radius = float(np.clip((x2 - x1) / 40, 0.6, 2.2))
        yield "".join(
            f'<circle class="{name}" cx="{x * scale:.1f}" cy="{y * scale:.1f}" r="{radius:.1f}"/>' for x, y in points
        )
