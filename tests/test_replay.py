"""Video files and folders: order, pace, loops, and files that are not what they should be."""

import logging
import os
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_servers import make_clip, take, wait_for

from edge_retinaface.cameras import LatestCamera, open_camera
from edge_retinaface.cameras.replay import folder_pictures
from edge_retinaface.config import CameraSettings
from edge_retinaface.data import Frame
from edge_retinaface.errors import CameraError

pytestmark = pytest.mark.usefixtures("no_leaks")


def open_file(path: Path, *, loop: bool = False, realtime: bool = False, max_fps: float = 240.0) -> LatestCamera:
    return open_camera(CameraSettings(name="clip", uri=f"file:{path}", loop=loop, realtime=realtime, max_fps=max_fps))


def open_folder(path: Path, *, loop: bool = False, realtime: bool = False, rotation: int = 0) -> LatestCamera:
    return open_camera(
        CameraSettings(name="pictures", uri=f"folder:{path}", loop=loop, realtime=realtime, rotation=rotation)
    )


def shade(frame: Frame) -> int:
    """The number of a frame of the clip, from its grey."""
    return round(float(frame.pixels.mean()) / 4)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=20)


@pytest.mark.ffmpeg
def test_as_fast_as_the_detector_a_clip_of_20_frames_gives_all_20_in_order(clip: Path) -> None:
    with open_file(clip, max_fps=1.0) as camera:
        assert [shade(frame) for frame in camera.frames()] == list(range(20))
        assert camera.counts == (20, 20, 0, 0)
        wait_for(lambda: camera.state.name == "finished")


@pytest.mark.ffmpeg
def test_in_real_time_20_frames_at_25_fps_take_their_760_ms(clip: Path) -> None:
    with open_file(clip, realtime=True) as camera:
        frames = list(camera.frames())
    took_ms = (frames[-1].captured_ns - frames[0].captured_ns) / 1e6
    assert 750 <= took_ms + 40 * (19 - shade(frames[-1])) <= 2000
    assert camera.counts.made == 20


@pytest.mark.ffmpeg
def test_a_loop_starts_again_at_its_first_frame_and_keeps_the_pace(clip: Path) -> None:
    with open_file(clip, loop=True) as camera:
        shades = [shade(frame) for frame in take(camera, 45)]
    assert shades == [*range(20), *range(20), *range(5)]
    with open_file(make_clip(clip.with_name("one.mp4"), frames=1), loop=True, realtime=True) as camera:
        time.sleep(0.5)
        assert camera.counts.made < 30  # a loop of one frame is still 25 a second, not a busy loop


@pytest.mark.ffmpeg
def test_a_file_replaced_by_garbage_is_away_with_a_reason_until_it_is_a_video_again(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "live.mp4"
    path.write_bytes(clip.read_bytes())
    with open_file(path, loop=True, realtime=True) as camera:
        wait_for(lambda: camera.state.name == "running")
        path.write_bytes(b"garbage" * 1000)
        wait_for(lambda: camera.state.name == "away")
        wait_for(lambda: "found 7000 bytes that are none" in camera.state.reason)
        path.write_bytes(clip.read_bytes())
        wait_for(lambda: camera.state.name == "running")
        path.unlink()
        wait_for(lambda: "wanted a video file, found: No such file" in camera.state.reason)


@pytest.mark.ffmpeg
def test_a_clip_cut_short_finishes_once_and_the_log_says_how_much_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "short.avi"
    whole = make_clip(tmp_path / "whole.avi", frames=60, noise=True).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING), open_file(path) as camera:
        seen = len(list(camera.frames()))
    assert 5 < seen < 54
    assert f"wanted 60 frames, found {seen}: damaged" in caplog.text


def test_a_folder_gives_its_pictures_by_name_and_leaves_out_what_is_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, level in (("b.png", 20), ("a.png", 10), ("c.PNG", 30)):
        cv2.imwrite(str(tmp_path / name.lower()), np.full((4, 6, 3), level, np.uint8))
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    with caplog.at_level(logging.WARNING), open_folder(tmp_path) as camera:
        assert [int(frame.pixels[0, 0, 0]) for frame in camera.frames()] == [10, 20, 30]
    assert "bad.jpg: wanted a picture" in caplog.text


def test_a_bad_picture_is_told_of_once_however_often_its_folder_is_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 6, 3), np.uint8))
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    os.mkfifo(tmp_path / "pipe.jpg")
    with caplog.at_level(logging.WARNING), open_folder(tmp_path, loop=True) as camera:
        take(camera, 5)
    assert [record.getMessage().removeprefix(f"{tmp_path}/") for record in caplog.records] == [
        "bad.jpg: wanted a picture, found 13 bytes that OpenCV cannot decode: left out",
        "pipe.jpg: wanted a picture, found: a pipe, not a file: left out",
    ]


def test_a_bad_picture_is_told_of_once_however_often_its_camera_is_tried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    told: set[Path] = set()
    for _ in range(2):
        with pytest.raises(CameraError, match="found none"):
            list(folder_pictures(tmp_path, told, loop=False))
    assert len(caplog.records) == 1


def test_an_empty_folder_is_a_camera_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="wanted a folder of pictures"):
        list(folder_pictures(tmp_path, set(), loop=False))
    with open_folder(tmp_path) as camera:
        wait_for(lambda: camera.state.name == "away")


def test_a_folder_in_real_time_goes_at_max_fps(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 6, 3), np.uint8))
    with open_folder(tmp_path, loop=True, realtime=True) as camera:
        captured = [frame.captured_ns for frame in take(camera, 5)]
    assert captured[-1] - captured[0] >= 4 / 15 * 1e9 - 30e6  # the default of 15 a second


def test_pictures_of_a_folder_are_turned_upright(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 6, 3), np.uint8))
    with open_folder(tmp_path, rotation=90) as camera:
        assert take(camera, 1)[0].pixels.shape == (6, 4, 3)


def test_closing_a_folder_that_waits_for_its_next_picture_is_prompt(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 6, 3), np.uint8))
    settings = CameraSettings(name="slow", uri=f"folder:{tmp_path}", loop=True, max_fps=0.01)
    before = threading.active_count()
    with open_camera(settings) as camera:
        take(camera, 1)[0]
    assert threading.active_count() == before
