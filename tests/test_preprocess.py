import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.data import U8, ChannelOrder, Letterbox
from edge_retinaface.preprocess import InputWriter, letterbox
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


def test_the_tensor_holds_the_picture_minus_128_or_minus_the_grey_that_the_network_sees_as_zero() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(36 * 4).reshape(96, 128, 3)
    as_int8, as_float = np.empty((96, 128, 3), np.int8), np.empty((96, 128, 3), np.float32)
    for tensor in (as_int8, as_float):
        InputWriter(SPEC).write(pixels, "BGR", tensor)
    assert (as_int8 == pixels.astype(int) - 128).all()
    assert (as_float == pixels.astype(int) - 115).all()


@pytest.mark.parametrize("order", ["BGR", "RGB"])
@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_a_writer_writes_what_letterbox_does_whatever_came_before(order: ChannelOrder, dtype: type) -> None:
    random = np.random.default_rng(2)
    writer, tensor = InputWriter(SPEC), np.full((96, 128, 3), 77, dtype)
    for hw in [(96, 128), (192, 256), (40, 200), (40, 200), (200, 40), (96, 128), (1, 1), (384, 512), (97, 131)]:
        pixels = random.integers(0, 256, (*hw, 3), np.uint8)
        expected = np.empty((96, 128, 3), np.uint8)
        assert writer.write(pixels, order, tensor) == letterbox(pixels, order, SPEC, expected)
        assert (tensor == expected.astype(int) - (128 if dtype is np.int8 else SPEC.centre)).all()


@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_after_the_first_frame_of_a_size_no_memory_is_taken_for_the_next(dtype: type) -> None:
    writer, tensor = InputWriter(ModelSpec((192, 256))), np.empty((192, 256, 3), dtype)
    pixels = np.zeros((960, 1280, 3), np.uint8)
    writer.write(pixels, "RGB", tensor)
    tracemalloc.start()
    writer.write(pixels, "RGB", tensor)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000  # bytes: numpy casts in pieces of 32 KiB; the tensor has at least 147,456


def test_half_the_size_is_the_mean_of_four_pixels() -> None:
    pixels = np.zeros((192, 256, 3), np.uint8)
    pixels[:2, :2, 0] = [[10, 20], [30, 42]]
    out, _ = fit(pixels)
    assert out[0, 0].tolist() == [26, 0, 0]  # 25.5 rounded up
    assert (out == cv2.resize(pixels, (128, 96), interpolation=cv2.INTER_LINEAR)).all()


@pytest.mark.parametrize("times", [4, 8])
def test_a_quarter_or_an_eighth_of_the_size_is_the_mean_of_the_square_but_for_rounding(times: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (96 * times, 128 * times, 3), np.uint8)
    out, _ = fit(pixels)
    mean = pixels.reshape(96, times, 128, times, 3).mean((1, 3))
    assert np.abs(out - mean).max() <= 1.5


@pytest.mark.parametrize("frame_hw", [(403, 537), (801, 1068), (319, 425)])
def test_a_large_picture_of_odd_size_stays_in_its_place_and_no_pixel_is_left_out(frame_hw: tuple[int, int]) -> None:
    height, width = frame_hw
    columns = np.linspace(0, 255, width).round().astype(np.uint8)
    out, box = fit(np.ascontiguousarray(np.broadcast_to(columns[None, :, None], (height, width, 3))))
    wanted = np.interp((np.arange(128) + 0.5) / box.scale_xy[0] - 0.5, np.arange(width), columns)
    assert np.abs(out[50, :, 0] - wanted).max() <= 2  # two grey levels are one pixel of the tensor
    stripes = np.zeros((height, width, 3), np.uint8)
    stripes[:, ::2] = 200
    assert np.ptp(fit(stripes)[0][50, :, 0].astype(int)) <= 2  # and not 200


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
