"""Network and USB cameras: real servers on loopback that stall, cut, freeze and die."""

import time
from pathlib import Path

import numpy as np
import pytest
from camera_servers import bars_ms, mjpeg_server, rtsp_server, take, wait_for

from edge_retinaface.cameras import LatestCamera, open_camera
from edge_retinaface.cameras.orientation import Orientation
from edge_retinaface.cameras.video import DeviceSource, StreamSource
from edge_retinaface.config import CameraSettings
from edge_retinaface.errors import CameraError

pytestmark = pytest.mark.usefixtures("no_leaks")

READ_S = 1.5


def stream(uri: str) -> LatestCamera:
    """A camera with short deadlines, so that the tests need not wait."""
    return LatestCamera(
        "net", lambda _: StreamSource(uri, Orientation(), READ_S), max_fps=100, opening_s=8.0, retry_s=(0.1, 0.5)
    )


def test_an_http_camera_delivers_the_newest_picture() -> None:
    with mjpeg_server() as server, stream(server.uri) as camera:
        frames = take(camera, 20)
        assert frames[0].pixels.shape == (48, 64, 3)
        behind = server.sent % 200 - int(frames[-1].pixels[0, 0, 0])
        assert -3 <= behind <= 4  # JPEG may turn a grey into its neighbour


def test_an_http_camera_that_is_silent_is_away_and_comes_back_by_itself() -> None:
    with mjpeg_server() as server, stream(server.uri) as camera:
        wait_for(lambda: camera.state.name == "running")
        server.mode = "stall"
        wait_for(lambda: camera.state.name == "away")
        server.mode = "play"
        wait_for(lambda: camera.state.name == "running")
        assert camera.losses == 1


def test_an_http_camera_that_is_cut_off_or_refuses_is_away_until_it_is_back() -> None:
    with mjpeg_server() as server, stream(server.uri) as camera:
        wait_for(lambda: camera.state.name == "running")
        server.mode = "cut"
        wait_for(lambda: "the stream ended or froze" in camera.state.reason)
        server.mode = "refuse"
        wait_for(lambda: "found none" in camera.state.reason)
        server.mode = "play"
        wait_for(lambda: camera.state.name == "running")


def test_an_http_camera_that_sends_garbage_is_away_and_no_crash() -> None:
    with mjpeg_server() as server, stream(server.uri) as camera:
        wait_for(lambda: camera.state.name == "running")
        server.mode = "garbage"
        wait_for(lambda: camera.state.name == "away")
        server.mode = "play"
        wait_for(lambda: camera.state.name == "running")


def test_a_password_in_the_address_is_in_no_reason() -> None:
    settings = CameraSettings(name="net", uri="rtsp://admin:hunter2@127.0.0.1:9/stream")
    with open_camera(settings) as camera:
        wait_for(lambda: camera.state.name == "away")
        assert "127.0.0.1:9/stream" in camera.state.reason
        assert "hunter2" not in camera.state.reason


def test_an_rtsp_camera_is_fresh_from_its_first_frame_and_its_times_are_right() -> None:
    with rtsp_server() as server, stream(server.uri) as camera:
        ages_ms, errors_ms = [], []
        for _ in range(30):
            (frame,) = take(camera, 1)
            shown_ms = bars_ms(frame.pixels)
            ages_ms.append((time.monotonic_ns() // 1_000_000 - shown_ms) & 0xFFFF)
            errors_ms.append((frame.captured_ns // 1_000_000 - shown_ms) & 0xFFFF)
        # two frames of 67 ms; what FFmpeg gathered while it opened the stream would be two seconds old
        assert ages_ms[0] < 1000
        assert np.median(ages_ms) < 220  # 71 ms with one decoder thread, 274 with four
        assert np.median(errors_ms) < 220


def test_an_rtsp_camera_frozen_killed_and_started_again_is_away_and_back_each_time() -> None:
    with rtsp_server() as server, stream(server.uri) as camera:
        wait_for(lambda: camera.state.name == "running")
        server.freeze()
        wait_for(lambda: camera.state.name == "away")
        assert camera.state.reason.startswith("no answer for 1.") or "froze" in camera.state.reason
        server.thaw()
        wait_for(lambda: camera.state.name == "running")
        made = camera.counts.made
        wait_for(lambda: camera.counts.made > made + 10)
        server.kill()
        wait_for(lambda: camera.state.name == "away")
        server.start()
        wait_for(lambda: camera.state.name == "running")
        assert camera.losses == 2


def test_a_device_that_is_not_there_says_so() -> None:
    with pytest.raises(CameraError, match="/dev/video99: wanted a video device, found nothing there"):
        DeviceSource("/dev/video99", (640, 480), Orientation())


def test_a_file_that_is_no_device_says_so(tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.touch()
    with pytest.raises(CameraError, match="wanted a camera, found a device that does not capture"):
        DeviceSource(str(path), (640, 480), Orientation())
