from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.data import Frame
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import UsageError
from edge_retinaface.images import read_image
from edge_retinaface.preprocess import Fitter
from edge_retinaface.tiles import TiledRetinaFace, parse_grid, tiles


@pytest.fixture(scope="module")
def detector(default_model: Path) -> TiledRetinaFace:
    return TiledRetinaFace(default_model, grid=(2, 2), min_score=0.5)


@pytest.fixture(scope="module")
def face(astronaut: Path) -> np.ndarray:
    """A head of 90 x 115 pixels with a face of about 50."""
    return np.asarray(cv2.resize(read_image(astronaut)[20:250, 130:310], (90, 115), interpolation=cv2.INTER_AREA))


def test_two_by_two_tiles_of_a_picture_share_a_fifth() -> None:
    assert list(tiles((900, 1800), (2, 2))) == [
        (0, 0, 1000, 500),
        (800, 0, 1800, 500),
        (0, 400, 1000, 900),
        (800, 400, 1800, 900),
    ]
    assert list(tiles((7, 9), (1, 1))) == [(0, 0, 9, 7)]


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 8), st.integers(1, 8))
def test_tiles_cover_the_picture_and_do_not_leave_it(height: int, width: int, rows: int, columns: int) -> None:
    spans = list(tiles((height, width), (rows, columns)))
    for low, high, side in ((0, 2, width), (1, 3, height)):
        edges = sorted({(one[low], one[high]) for one in spans})
        assert edges[0][0] == 0
        assert edges[-1][1] == side
        assert all(after[0] <= before[1] for before, after in pairwise(edges))


@pytest.mark.parametrize("text", ["", "2", "0x2", "9x1", "2X2", "2x2x2", "2x2\n"])
def test_a_grid_that_cannot_be_meant_is_refused(text: str) -> None:
    assert parse_grid("--tiles", "2x3") == (2, 3)
    with pytest.raises(UsageError, match="--tiles: wanted ROWSxCOLUMNS from 1x1 to 8x8, found "):
        parse_grid("--tiles", text)


@pytest.mark.convert
def test_one_tile_is_the_picture_itself(default_model: Path, astronaut: Path) -> None:
    plain, one = RetinaFace(default_model), TiledRetinaFace(default_model, grid=(1, 1))
    assert (one(astronaut).boxes == plain(astronaut).boxes).all()
    assert one.input_hw == plain.input_hw


@pytest.mark.convert
def test_tiles_want_whole_frames_but_one_that_was_scaled_has_its_faces_in_the_camera_s_pixels(
    default_model: Path, detector: TiledRetinaFace, face: np.ndarray
) -> None:
    assert detector.fit_hw is None
    assert TiledRetinaFace(default_model, grid=(1, 1)).fit_hw == (480, 640)
    pixels = np.full((900, 1800, 3), 100, np.uint8)
    pixels[380:495, 700:790] = face
    (wanted,) = detector.detect(Frame(pixels, "BGR", 0, 0))
    (found,) = detector.detect(Frame(Fitter().fit(pixels, (720, 960)), "BGR", 0, 0, scaled_from=(900, 1800)))
    np.testing.assert_allclose(found[0], wanted[0], atol=10)
    np.testing.assert_allclose(found[2], wanted[2], atol=10)


@pytest.mark.convert
def test_an_empty_picture_has_no_faces_in_tiles_either(detector: TiledRetinaFace) -> None:
    found = detector(np.full((400, 800, 3), 90, np.uint8))
    assert found.landmarks.shape == (0, 5, 2)


@pytest.mark.convert
def test_a_face_that_slides_across_a_seam_is_found_once_and_in_its_place(
    detector: TiledRetinaFace, face: np.ndarray
) -> None:
    found = []
    for x in range(700, 1000, 15):  # across 800 and 1000, where two tiles of 1800 begin and end
        pixels = np.full((900, 1800, 3), 100, np.uint8)
        pixels[380:495, x : x + 90] = face
        faces = detector(pixels)
        assert len(faces) == 1, x
        found.append(faces.boxes[0] - [x, 380, x, 380])
    assert (np.ptp(found, axis=0) < 14).all()  # a fifth of the face


@pytest.mark.convert
def test_a_face_too_small_for_the_whole_picture_is_found_in_a_tile(default_model: Path, face: np.ndarray) -> None:
    detector = TiledRetinaFace(default_model, grid=(4, 4), min_score=0.5)
    pixels = np.full((1440, 2560, 3), 100, np.uint8)
    small = cv2.resize(face, (70, 90), interpolation=cv2.INTER_AREA)
    pixels[900:990, 1900:1970] = small
    assert len(RetinaFace(default_model, min_score=0.5)(pixels)) == 0
    (box,) = detector.detect(Frame(pixels, "BGR", 0, 0)).boxes
    assert 1900 <= box[0] < box[2] <= 1970
    assert 900 <= box[1] < box[3] <= 990
    assert min(detector.stages) > 0
