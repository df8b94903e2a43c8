"""Turning and mirroring what a camera delivers, for cameras that hang upside down or look into a mirror."""

from typing import Literal, NamedTuple

import cv2
import numpy as np

from edge_retinaface.data import U8

Rotation = Literal[0, 90, 180, 270]
Flip = Literal["", "horizontal", "vertical"]

_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {"horizontal": 1, "vertical": 0}  # OpenCV's codes


class Orientation(NamedTuple):
    """First turned clockwise by `rotation` degrees, then mirrored: horizontal swaps left and right."""

    rotation: Rotation = 0
    flip: Flip = ""

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self.rotation in (90, 270)

    @property
    def mirrors(self) -> tuple[bool, bool]:
        """(horizontal, vertical) mirroring that does the same, where it can be done so: not for quarter turns."""
        half_turn = self.rotation == 180  # noqa: PLR2004 - degrees
        return half_turn != (self.flip == "horizontal"), half_turn != (self.flip == "vertical")

    def apply(self, pixels: U8, spare: U8 | None = None) -> U8:
        """The upright picture, C-contiguous: `pixels` itself if there is nothing to do, else in a fitting `spare`."""
        if self.rotation:
            pixels = np.asarray(cv2.rotate(pixels, _ROTATIONS[self.rotation], None if self.flip else spare), np.uint8)
        if self.flip:
            pixels = np.asarray(cv2.flip(pixels, _FLIPS[self.flip], spare), np.uint8)
        return np.ascontiguousarray(pixels)
