"""Pictures scaled on the camera's thread: the same bytes in the tensor, faces in the camera's pixels."""

import itertools
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from camera_servers import make_clip, take
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.cameras import ReplayCamera, open_camera
from edge_retinaface.cameras.orientation import Flip, Orientation, Rotation
from edge_retinaface.cameras.replay import FileSource
from edge_retinaface.config import CameraSettings
from edge_retinaface.data import U8, ChannelOrder, Frame, Letterbox
from edge_retinaface.preprocess import Fitter, InputWriter
from edge_retinaface.spec import ModelSpec

SIDES = st.integers(1, 700)
INPUT_HW = (96, 128)


@given(SIDES, SIDES, st.sampled_from(["BGR", "RGB"]), st.sampled_from([np.int8, np.float32]), st.integers(0, 9))
def test_a_picture_scaled_ahead_gives_the_bytes_and_the_letterbox_of_one_that_was_not(
    height: int, width: int, order: ChannelOrder, dtype: type, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    at_once, ahead = np.empty((*INPUT_HW, 3), dtype), np.empty((*INPUT_HW, 3), dtype)
    fitted = Fitter().fit(pixels, INPUT_HW)
    wanted = InputWriter(ModelSpec(INPUT_HW)).write(pixels, order, at_once)
    found = InputWriter(ModelSpec(INPUT_HW)).write(fitted, order, ahead, (height, width))
    assert found == wanted
    assert (ahead == at_once).all()
    assert Fitter().fit(fitted, INPUT_HW) is fitted


def test_a_picture_scaled_for_another_input_is_scaled_again_and_its_letterbox_is_of_the_camera_s_pixels() -> None:
    writer, tensor = InputWriter(ModelSpec((192, 256))), np.empty((192, 256, 3), np.int8)
    fitted = Fitter().fit(np.full((720, 1280, 3), 200, np.uint8), INPUT_HW)
    assert fitted.shape == (72, 128, 3)
    assert writer.write(fitted, "BGR", tensor, (720, 1280)) == Letterbox((0.2, 0.2), (720, 1280))
    assert (tensor[:144] == 200 - 128).all()
    assert (tensor[144:] == 115 - 128).all()


def test_one_fitter_serves_pictures_and_inputs_of_changing_size() -> None:
    fitter = Fitter()
    for frame_hw, input_hw in itertools.product([(72, 128), (100, 60), (9, 9)], [(96, 128), (48, 64)]):
        pixels = np.random.default_rng(1).integers(0, 256, (*frame_hw, 3), np.uint8)
        assert (fitter.fit(pixels, input_hw) == Fitter().fit(pixels, input_hw)).all()


def test_a_frame_knows_the_size_of_the_camera_s_picture() -> None:
    pixels = np.zeros((72, 128, 3), np.uint8)
    assert Frame(pixels, "BGR", 0, 0).full_hw == (72, 128)
    assert Frame(pixels, "BGR", 0, 0, scaled_from=(720, 1280)).full_hw == (720, 1280)


def test_the_pictures_of_a_python_iterable_are_scaled_and_never_written_to() -> None:
    pictures = [np.full((48, 64, 3), level, np.uint8) for level in range(8)]
    camera = ReplayCamera("door", lambda: pictures, fps=0)
    camera.fit_hw = (24, 64)
    with camera:
        frames = list(camera.frames())
    assert [(frame.pixels.shape, frame.full_hw) for frame in frames] == [((24, 32, 3), (48, 64))] * 8
    assert [frame.pixels.max() for frame in frames] == [*range(8)]
    assert [picture.min() for picture in pictures] == [picture.max() for picture in pictures] == [*range(8)]


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("noise") / "clip.mp4", frames=8, noise=True)


def pixels_of(clip: Path, fit_hw: tuple[int, int] | None, rotation: Rotation = 0, flip: Flip = "") -> list[U8]:
    """All pictures of a clip, kept until the last was read."""
    settings = CameraSettings(name="clip", uri=f"file:{clip}", realtime=False, rotation=rotation, flip=flip)
    camera = open_camera(settings)
    camera.fit_hw = fit_hw
    with camera:
        return [frame.pixels for frame in camera.frames()]


@pytest.mark.ffmpeg
@pytest.mark.parametrize(("rotation", "flip"), [(0, ""), (90, ""), (180, "horizontal"), (0, "vertical")])
def test_a_video_is_scaled_ahead_as_afterwards_however_the_camera_hangs(
    noise: Path, rotation: Rotation, flip: Flip
) -> None:
    whole = pixels_of(noise, None, rotation, flip)
    fitted = pixels_of(noise, (24, 24), rotation, flip)
    assert len(whole) == len(fitted) == 8
    for one, other in itertools.pairwise(whole):
        assert (one != other).any()
    for one, other in zip(whole, fitted, strict=True):
        assert (Fitter().fit(one, (24, 24)) == other).all()


@pytest.mark.ffmpeg
@pytest.mark.parametrize("orientation", [Orientation(), Orientation(90), Orientation(180, "vertical")])
def test_a_picture_that_nobody_needs_makes_room_for_the_next(noise: Path, orientation: Orientation) -> None:
    with closing(FileSource(noise, orientation, threading.Event(), loop=True, realtime=False)) as source:
        spare: U8 | None = None
        places = set()
        for _ in range(12):  # across the end of the file
            picture = source.read(lambda: True, spare)
            assert picture is not None
            assert picture.pixels is not None
            spare = picture.pixels
            places.add(spare.ctypes.data)
    assert len(places) == 1


@pytest.mark.ffmpeg
def test_a_frame_keeps_its_pixels_when_frames_are_scaled_no_more(noise: Path) -> None:
    whole = pixels_of(noise, None)
    camera = open_camera(CameraSettings(name="clip", uri=f"file:{noise}", loop=True, realtime=False))
    camera.fit_hw = (24, 24)
    with camera:
        take(camera, 3)
        camera.fit_hw = None
        frames = [frame for frame in take(camera, 8) if frame.scaled_from is None]
    assert len(frames) >= 6  # one was waiting, and one was being read
    for frame in frames:
        assert (frame.pixels == whole[frame.sequence % 8]).all()
