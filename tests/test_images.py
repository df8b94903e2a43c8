import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.errors import ImageError
from edge_retinaface.images import as_pixels, read_image, write_image

PICTURE = np.random.default_rng(3).integers(0, 256, (40, 60, 3), np.uint8)


def refusal(path: Path) -> ImageError:
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm"])
def test_what_is_written_without_loss_is_read_as_it_was(tmp_path: Path, suffix: str) -> None:
    write_image(tmp_path / f"x{suffix}", PICTURE)
    assert (read_image(tmp_path / f"x{suffix}") == PICTURE).all()


def test_exif_rotation_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    write_image(path, PICTURE)
    content = path.read_bytes()
    quarter_turn = struct.pack(">2sHIHHHIHxxI", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0" + quarter_turn
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:])
    assert read_image(path).shape == (60, 40, 3)


def test_missing_empty_and_foreign_files_say_so(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.jpg").exit_code == 74
    empty = tmp_path / "empty.jpg"
    empty.touch()
    assert str(refusal(empty)).endswith("found an empty file")
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    assert refusal(text).exit_code == 65
    assert refusal(tmp_path).exit_code == 74  # a folder


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@given(part=st.floats(0.05, 0.98))
def test_a_picture_that_is_cut_short_is_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, part: float
) -> None:
    path = tmp_path_factory.mktemp("cut") / f"x{suffix}"
    write_image(path, PICTURE)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    refusal(path)


def test_grey_alpha_and_sixteen_bits_become_bgr() -> None:
    assert as_pixels(np.full((2, 3), 7, np.uint8)).tolist() == np.full((2, 3, 3), 7).tolist()
    assert as_pixels(np.full((2, 3, 1), 7, np.uint8)).shape == (2, 3, 3)
    assert as_pixels(np.dstack([PICTURE, PICTURE[..., 0]])).tolist() == PICTURE.tolist()
    assert as_pixels(np.full((2, 3, 3), 0x12FF, np.uint16)).tolist() == np.full((2, 3, 3), 0x12).tolist()


def test_sixteen_bit_and_grey_files_are_read(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 5, 3), 0x8000, np.uint16))
    assert read_image(tmp_path / "deep.png")[0, 0].tolist() == [128, 128, 128]
    cv2.imwrite(str(tmp_path / "grey.png"), PICTURE[..., 0])
    assert read_image(tmp_path / "grey.png").shape == (40, 60, 3)


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 2, 3), np.float32), np.zeros((0, 5, 3), np.uint8), np.zeros((2, 2, 2), np.uint8), "x.jpg", None],
)
def test_other_arrays_are_refused(array: object) -> None:
    with pytest.raises(ImageError, match="wanted an array"):
        as_pixels(array)  # type: ignore[arg-type] # what a caller without types may do


def test_a_picture_that_cannot_be_encoded_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"\.xyz"):
        write_image(tmp_path / "a.xyz", PICTURE)
    assert list(tmp_path.iterdir()) == []
