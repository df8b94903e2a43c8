import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.data import U8, Letterbox
from edge_retinaface.preprocess import letterbox, to_tensor_bytes
from edge_retinaface.spec import ModelSpec

SPEC = ModelSpec((96, 128))


def fit(pixels: U8, spec: ModelSpec = SPEC) -> tuple[U8, Letterbox]:
    out = np.full((*spec.input_hw, 3), 7, np.uint8)
    return out, letterbox(pixels, "BGR", spec, out)


def test_a_frame_of_the_right_size_goes_through_unchanged() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (96, 128, 3), np.uint8)
    out, box = fit(pixels)
    assert (out == pixels).all()
    assert box == Letterbox((1.0, 1.0), (96, 128))


def test_padding_is_below_or_right_and_grey() -> None:
    out, box = fit(np.zeros((100, 400, 3), np.uint8))
    assert box.scale_xy == (0.32, 0.32)
    assert (out[:32] == 0).all()
    assert (out[32:] == SPEC.centre).all()
    out, _ = fit(np.zeros((400, 100, 3), np.uint8))
    assert (out[:, :24] == 0).all()
    assert (out[:, 24:] == SPEC.centre).all()


def test_a_frame_in_the_other_channel_order_is_turned_round() -> None:
    pixels = np.zeros((96, 128, 3), np.uint8)
    pixels[..., 0] = 200
    out = np.empty((96, 128, 3), np.uint8)
    letterbox(pixels, "RGB", SPEC, out)
    assert out[5, 5].tolist() == [0, 0, 200]


def test_one_pixel_becomes_a_square() -> None:
    out, box = fit(np.full((1, 1, 3), 9, np.uint8))
    assert (out[:, :96] == 9).all()
    assert box.scale_xy == (96.0, 96.0)


def test_the_top_bit_turns_camera_bytes_into_int8_minus_128() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
    to_tensor_bytes(pixels)
    assert pixels.view(np.int8).reshape(-1).tolist() == list(range(-128, 128))


@given(st.integers(1, 600), st.integers(1, 600))
def test_the_way_back_is_a_division_whatever_the_frame(height: int, width: int) -> None:
    out, box = fit(np.full((height, width, 3), 255, np.uint8))
    inside = out[..., 0] == 255
    rows, columns = inside.any(axis=1).sum(), inside.any(axis=0).sum()
    assert inside[:rows, :columns].all()
    assert not inside[rows:].any()
    assert not inside[:, columns:].any()
    assert round(columns / box.scale_xy[0]) == width
    assert round(rows / box.scale_xy[1]) == height
