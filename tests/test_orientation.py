"""Rotation and mirroring, checked pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.cameras.orientation import Flip, Orientation, Rotation
from edge_retinaface.data import U8

ROTATIONS = st.sampled_from([0, 90, 180, 270])
FLIPS = st.sampled_from(["", "horizontal", "vertical"])


def numbered(height: int, width: int) -> U8:
    """Every pixel another colour."""
    return np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)


def moved(point_xy: tuple[int, int], size_wh: tuple[int, int], orientation: Orientation) -> tuple[int, int]:
    """Where a pixel of the camera stands in the upright picture, by hand."""
    (x, y), (width, height) = point_xy, size_wh
    for _ in range(orientation.rotation // 90):  # a quarter clockwise: the top row becomes the right column
        x, y, width, height = height - 1 - y, x, height, width
    if orientation.flip == "horizontal":
        x = width - 1 - x
    if orientation.flip == "vertical":
        y = height - 1 - y
    return x, y


def test_a_quarter_turn_clockwise_takes_the_left_column_to_the_top() -> None:
    pixels = numbered(2, 3)
    upright = Orientation(90).apply(pixels)
    assert upright.shape == (3, 2, 3)
    assert upright[0].tolist() == [pixels[1, 0].tolist(), pixels[0, 0].tolist()]


def test_nothing_to_do_is_no_copy() -> None:
    pixels = numbered(2, 3)
    assert Orientation().apply(pixels) is pixels


@given(st.integers(1, 6), st.integers(1, 6), ROTATIONS, FLIPS)
def test_every_pixel_goes_where_it_goes_by_hand(height: int, width: int, rotation: Rotation, flip: Flip) -> None:
    pixels, orientation = numbered(height, width), Orientation(rotation, flip)
    upright = orientation.apply(pixels)
    assert upright.shape == ((width, height, 3) if orientation.swaps_sides else (height, width, 3))
    assert upright.flags.c_contiguous
    for y in range(height):
        for x in range(width):
            new_x, new_y = moved((x, y), (width, height), orientation)
            assert upright[new_y, new_x].tolist() == pixels[y, x].tolist()


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([0, 180]), FLIPS)
def test_the_mirrors_of_a_sensor_do_the_same_as_half_turn_and_flip(
    height: int, width: int, rotation: Rotation, flip: Flip
) -> None:
    pixels, orientation = numbered(height, width), Orientation(rotation, flip)
    horizontal, vertical = orientation.mirrors
    mirrored = pixels[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    assert orientation.apply(pixels).tolist() == mirrored.tolist()


@pytest.mark.parametrize("rotation", [90, 270])
def test_four_quarter_turns_are_none(rotation: Rotation) -> None:
    pixels = upright = numbered(3, 5)
    for _ in range(4):
        upright = Orientation(rotation).apply(upright)
    assert upright.tolist() == pixels.tolist()
