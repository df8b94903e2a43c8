from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.calibrate import Pictures, folder_pictures
from convert.sample_pictures import sample_scenes
from edge_retinaface.errors import ImageError
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert
SPEC = ModelSpec((32, 48))


def test_no_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="calibration: wanted at least one picture, found none"):
        Pictures.letterboxed([], SPEC)
    with pytest.raises(ImageError, match=r"wanted pictures \(\.bmp, .*\), found none"):
        list(folder_pictures(tmp_path))
    with pytest.raises(ImageError, match="wanted a folder of pictures, found nothing"):
        list(folder_pictures(tmp_path / "missing"))


def test_a_folder_is_read_by_name_with_its_subfolders_and_a_broken_picture_is_named(tmp_path: Path) -> None:
    for name, grey in (("b.png", 2), ("a/c.jpg", 1)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.full((5, 7, 3), grey, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    assert [int(picture[0, 0, 0]) for picture in folder_pictures(tmp_path)] == [1, 2]
    (tmp_path / "z.jpg").write_bytes(b"broken")
    with pytest.raises(ImageError, match=r"z\.jpg: wanted a picture"):
        list(folder_pictures(tmp_path))


def test_pictures_are_letterboxed_as_on_the_device() -> None:
    [tensor] = Pictures.letterboxed([np.full((32, 24, 3), 200, np.uint8)], SPEC).tensors
    assert tensor.shape == (32, 48, 3)
    assert (tensor[:, :24] == 200).all()
    assert (tensor[:, 24:] == SPEC.centre).all()


def test_inputs_are_pixel_minus_centre_and_reach_black_and_white_once() -> None:
    pictures = Pictures.letterboxed([np.full((32, 48, 3), 115, np.uint8)] * 2, SPEC)
    first, second = pictures.inputs("test")
    assert first.dtype == np.float32
    assert first.shape == (1, 32, 48, 3)
    assert (first.min(), first.max()) == (-115, 140)
    assert np.count_nonzero(first) == 6  # two pixels
    assert not second.any()


def test_the_digest_tells_pictures_and_their_order_apart() -> None:
    black, white = np.zeros((32, 48, 3), np.uint8), np.full((32, 48, 3), 255, np.uint8)
    digests = {Pictures.letterboxed(some, SPEC).digest for some in ([black, white], [white, black], [black])}
    assert len(digests) == 3


def test_sample_scenes_are_the_same_for_everyone_and_of_the_asked_size() -> None:
    first, again = list(sample_scenes((96, 128), 12)), list(sample_scenes((96, 128), 12))
    assert [scene.shape for scene in first] == [(96, 128, 3)] * 12
    assert all(scene.dtype == np.uint8 for scene in first)
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    assert len({scene.tobytes() for scene in first}) == 12
