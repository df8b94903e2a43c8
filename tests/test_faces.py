import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.data import Detections
from edge_retinaface.errors import ConfigError
from edge_retinaface.faces import ARCFACE_POINTS, align_matrix, blur_faces, crop_faces, draw_faces

NOISE = np.random.default_rng(5).integers(0, 256, (200, 300, 3), np.uint8)


def one_face(x1: float, y1: float, x2: float, y2: float) -> Detections:
    box = np.array([[x1, y1, x2, y2]], np.float32)
    points = box[0, :2] + (box[0, 2:] - box[0, :2]) * (ARCFACE_POINTS / 112)
    return Detections(box, np.array([0.9], np.float32), points[None].astype(np.float32))


def test_no_faces_change_nothing() -> None:
    assert (blur_faces(NOISE, Detections.none()) == NOISE).all()
    assert (draw_faces(NOISE, Detections.none()) == NOISE).all()
    assert crop_faces(NOISE, Detections.none()) == []


@given(st.floats(-math.pi, math.pi), st.floats(0.1, 9), st.floats(-500, 500), st.floats(-500, 500))
def test_alignment_undoes_any_turn_scale_and_shift(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = (ARCFACE_POINTS @ turn.T + [x, y]).astype(np.float32)
    matrix = align_matrix(moved)
    back = moved @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(back, ARCFACE_POINTS, atol=0.05 + 0.002 / scale)


def test_five_points_in_one_place_are_only_shifted() -> None:
    matrix = align_matrix(np.full((5, 2), 7, np.float32))
    np.testing.assert_allclose(matrix[:, :2], np.eye(2))


def test_an_aligned_crop_of_a_face_in_template_position_is_the_box_itself() -> None:
    (crop,) = crop_faces(NOISE, one_face(50, 40, 162, 152))
    assert crop.shape == (112, 112, 3)
    assert np.abs(crop.astype(int) - NOISE[40:152, 50:162]).max() <= 1


def test_unaligned_crops_are_cut_to_the_picture_and_empty_ones_left_out() -> None:
    (crop,) = crop_faces(NOISE, one_face(-10.5, 190, 20.5, 260), align=False)
    assert crop.tolist() == NOISE[190:, :21].tolist()
    assert crop_faces(NOISE, one_face(400, 20, 500, 90), align=False) == []


def test_a_blurred_box_keeps_no_detail_and_the_rest_is_untouched() -> None:
    blurred = blur_faces(NOISE, one_face(100, 50, 200, 150), shape="box")  # grown by 20 %: 90..210, 40..160
    assert blurred[50:150, 100:200].std() < NOISE[50:150, 100:200].std() / 4
    outside = np.ones(NOISE.shape[:2], bool)
    outside[39:161, 89:211] = False  # and a pixel for the rounding of 1.2
    assert (blurred[outside] == NOISE[outside]).all()


@given(st.integers(0, 290), st.integers(0, 190), st.integers(8, 200), st.integers(8, 200))
def test_every_pixel_of_the_box_is_under_the_ellipse(x: int, y: int, width: int, height: int) -> None:
    white = np.full((200, 300, 3), 255, np.uint8)
    board = white.copy()
    board[::2, ::2] = board[1::2, 1::2] = 0  # averaging turns every pixel of a chessboard grey
    face = one_face(x, y, x + width, y + height)
    blurred = blur_faces(board, face, mask_scale=1.0)
    inside = blurred[y : y + height, x : x + width]
    assert ((inside > 0) & (inside < 255)).all()


def test_a_face_at_the_edge_or_outside_does_no_harm() -> None:
    for box in ((-50, -50, 10, 10), (290, 190, 400, 400), (1000, 1000, 1100, 1100)):
        assert blur_faces(NOISE, one_face(*box)).shape == NOISE.shape
        assert draw_faces(NOISE, one_face(*box)).shape == NOISE.shape


def test_drawing_leaves_the_picture_it_was_given_alone() -> None:
    before = NOISE.copy()
    assert (draw_faces(NOISE, one_face(100, 50, 200, 150)) != before).any()
    assert (before == NOISE).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_scale": 0.5}, "mask_scale: wanted a number of at least 1, found 0.5"),
        ({"mask_scale": float("nan")}, "mask_scale: wanted a number of at least 1, found nan"),
        ({"shape": "star"}, "shape: wanted ellipse or box, found star"),
    ],
)
def test_a_mask_that_would_show_a_face_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        blur_faces(np.zeros((8, 8, 3), np.uint8), Detections.none(), **options)
