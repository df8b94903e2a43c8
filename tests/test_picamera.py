"""CSI cameras through the Picamera2 double: colours, sizes, padding, buffers, cables. 75 % grey is 191 of 255."""

import importlib.util
import itertools
import threading
import time

import numpy as np
import pytest
from camera_servers import take, wait_for
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.cameras import open_camera
from edge_retinaface.cameras.latest import LatestCamera
from edge_retinaface.cameras.orientation import Flip, Orientation, Rotation
from edge_retinaface.cameras.picamera import (
    BUFFERS,
    PicameraSource,
    fitted_wh,
    import_hardware,
    to_monotonic_ns,
)
from edge_retinaface.cameras.picamera_double import Platform, Sensor, hardware_of
from edge_retinaface.config import CameraSettings
from edge_retinaface.data import U8
from edge_retinaface.errors import CameraError, ConfigError

pytestmark = pytest.mark.usefixtures("no_leaks")

RED, GREEN, BLUE, WHITE = (191, 0, 0), (0, 191, 0), (0, 0, 191), (191, 191, 191)  # RGB
BOTH = pytest.mark.parametrize("platform", list(Platform))


def quarters() -> U8:
    """Red, green above blue, white."""
    scene = np.zeros((720, 1280, 3), np.uint8)
    for (row, column), colour in zip(itertools.product((0, 1), (0, 1)), (RED, GREEN, BLUE, WHITE), strict=True):
        scene[row * 360 : (row + 1) * 360, column * 640 : (column + 1) * 640] = colour
    return scene


def source(
    sensor: Sensor,
    platform: Platform = Platform.VC4,
    *,
    size_wh: tuple[int, int] = (1280, 720),
    fit_hw: tuple[int, int] = (480, 640),
    orientation: Orientation = Orientation(),  # noqa: B008 - a tuple
) -> PicameraSource:
    return PicameraSource(0, size_wh, fit_hw, orientation, 500.0, hardware_of(sensor, platform))


def picture(camera: PicameraSource) -> U8:
    read = camera.read(lambda: True)
    assert read is not None
    assert read.pixels is not None
    return read.pixels


def corners(pixels: U8) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters, as RGB, rounded to 0 or 191."""
    height, width = pixels.shape[:2]
    middles = itertools.product((height // 4, height * 3 // 4), (width // 4, width * 3 // 4))
    return [
        tuple(191 if abs(int(value) - 191) < 8 else int(value) // 8 for value in pixels[at][::-1]) for at in middles
    ]


@BOTH
def test_colours_arrive_as_bgr_at_the_size_that_fits_the_model(platform: Platform) -> None:
    camera = source(Sensor(quarters(), fps=200), platform)
    pixels = picture(camera)
    camera.close()
    assert pixels.shape == (360, 640, 3)
    assert pixels.flags.c_contiguous
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]


@BOTH
@pytest.mark.parametrize("width", [320, 322, 426, 640])
def test_the_garbage_in_the_padding_of_rows_is_in_no_picture(platform: Platform, width: int) -> None:
    grey = np.full((720, 1280, 3), 191, np.uint8)
    camera = source(Sensor(grey, fps=200), platform, fit_hw=(480, width))
    pixels = picture(camera)
    camera.close()
    assert pixels.shape == (fitted_wh((1280, 720), (480, width))[1], width, 3)
    assert np.abs(pixels.astype(int) - 191).max() <= 2


@BOTH
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["", "horizontal", "vertical"])
def test_every_rotation_and_flip_shows_what_turning_the_scene_by_hand_shows(
    platform: Platform, rotation: Rotation, flip: Flip
) -> None:
    orientation = Orientation(rotation, flip)
    camera = source(Sensor(quarters(), fps=200), platform, fit_hw=(640, 640), orientation=orientation)
    pixels = picture(camera)
    camera.close()
    assert pixels.shape[:2] == ((640, 360) if orientation.swaps_sides else (360, 640))
    assert corners(pixels) == corners(orientation.apply(quarters()[..., ::-1].copy()))


def test_a_picture_is_a_copy_that_later_frames_do_not_change() -> None:
    sensor = Sensor(np.full((720, 1280, 3), 191, np.uint8), fps=200)
    camera = source(sensor, Platform.PISP)
    first = picture(camera)
    sensor.scene = np.zeros((720, 1280, 3), np.uint8)
    for _ in range(3 * BUFFERS):
        last = picture(camera)
    camera.close()
    assert int(first[0, 0, 0]) == 191
    assert int(last[0, 0, 0]) == 0


@BOTH
def test_a_hundred_frames_read_or_skipped_starve_no_buffer(platform: Platform) -> None:
    sensor = Sensor(np.zeros((90, 160, 3), np.uint8), fps=300)
    camera = source(sensor, platform, size_wh=(160, 90))
    for number in range(100):
        camera.read(lambda number=number: number % 2 == 0)
    camera.close()
    assert sensor.lost == 0
    assert sensor.opened == set()


def test_a_cable_pulled_out_is_a_camera_away_and_back_again_when_it_is_in() -> None:
    sensor = Sensor(np.zeros((90, 160, 3), np.uint8), fps=100)
    settings = CameraSettings(name="csi", uri="picamera:0", width=160, height=90)
    before = threading.active_count()
    with open_camera(settings, hardware=hardware_of(sensor)) as camera:
        wait_for(lambda: camera.state.name == "running")
        sensor.plugged = False
        wait_for(lambda: camera.state.reason == "picamera:0: no picture for 2 s: unplugged?")
        wait_for(lambda: "No camera number 0 found" in camera.state.reason)
        assert sensor.opened == set()  # the next attempt, and other programs, can have it
        sensor.plugged = True
        wait_for(lambda: camera.state.name == "running")
    assert threading.active_count() == before


def test_a_camera_in_use_elsewhere_is_refused_with_a_reason() -> None:
    sensor = Sensor(np.zeros((90, 160, 3), np.uint8))
    camera = source(sensor)
    with pytest.raises(CameraError, match=r"picamera:0: wanted a camera, found: .* in use elsewhere"):
        source(sensor)
    camera.close()


def test_a_size_that_the_camera_cannot_do_closes_it_again() -> None:
    sensor = Sensor(np.zeros((90, 160, 3), np.uint8))
    hardware = hardware_of(sensor)
    hardware.picamera2.Picamera2.configure = _refuse
    with pytest.raises(CameraError, match="does not start with 160x90: no such mode"):
        PicameraSource(0, (160, 90), (90, 160), Orientation(), 30.0, hardware)
    assert sensor.opened == set()


def _refuse(*_: object) -> None:
    raise RuntimeError("no such mode")


def test_frames_are_stamped_with_the_sensor_s_time_a_frame_period_before_they_arrive() -> None:
    sensor = Sensor(np.zeros((90, 160, 3), np.uint8), fps=20)
    opener = lambda _: source(sensor, size_wh=(160, 90))  # noqa: E731
    with LatestCamera("csi", opener, max_fps=100) as camera:
        ages_ms = []
        for _ in range(10):
            (frame,) = take(camera, 1)
            ages_ms.append((time.monotonic_ns() - frame.captured_ns) / 1e6)
    assert 50 <= np.median(ages_ms) < 100


def test_boot_time_is_monotonic_time_plus_what_the_machine_slept() -> None:
    assert to_monotonic_ns(boottime_ns=1_000, now_ns=500, now_boottime_ns=1_100) == 400  # 100 ns ago; slept 600
    assert to_monotonic_ns(boottime_ns=1_200, now_ns=500, now_boottime_ns=1_100) == 500  # not in the future


@given(st.tuples(st.integers(2, 4000), st.integers(2, 4000)), st.tuples(st.integers(32, 1280), st.integers(32, 1280)))
def test_the_fitted_size_is_even_and_fits_and_keeps_the_aspect(size: tuple[int, int], fit_hw: tuple[int, int]) -> None:
    size_wh = (size[0] // 2 * 2, size[1] // 2 * 2)
    width, height = fitted_wh(size_wh, fit_hw)
    assert width % 2 == height % 2 == 0
    assert 2 <= width <= max(2, min(size_wh[0], fit_hw[1]))
    assert 2 <= height <= max(2, min(size_wh[1], fit_hw[0]))


def test_an_address_without_a_number_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="wanted picamera: and a number from 0, found picamera:front"):
        open_camera(CameraSettings(name="csi", uri="picamera:front"))


@pytest.mark.skipif(importlib.util.find_spec("picamera2") is not None, reason="this machine has Picamera2")
def test_a_machine_without_picamera2_is_told_how_to_install_it() -> None:
    with pytest.raises(CameraError, match="apt install python3-picamera2"):
        import_hardware()
