"""Cameras take turns at one detector."""

import threading
import time

import pytest
from service_helpers import endless

from edge_retinaface.cameras import ReplayCamera
from edge_retinaface.service.rota import Rota

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_no_cameras_are_no_turn() -> None:
    assert Rota(threading.Condition()).wait(0.01) is None


def test_three_busy_cameras_get_the_same_number_of_turns() -> None:
    rota = Rota(threading.Condition())
    cameras = [ReplayCamera(name, endless, fps=1000, ready=rota.ready) for name in ("a", "b", "c")]
    rota.cameras = cameras
    turns: dict[str, int] = {"a": 0, "b": 0, "c": 0}
    for camera in cameras:
        camera.start()
    for _ in range(60):
        time.sleep(0.005)  # the detector works; all three have a frame by then
        camera = rota.wait(5)
        assert camera is not None
        camera.take()
        turns[camera.name] += 1
    for camera in cameras:
        camera.close()
    assert max(turns.values()) - min(turns.values()) <= 3


def test_a_camera_without_a_fresh_frame_is_passed_over() -> None:
    rota = Rota(threading.Condition())
    silent, busy = ReplayCamera("silent", list, ready=rota.ready), ReplayCamera("busy", endless, ready=rota.ready)
    rota.cameras = [silent, busy]
    with silent, busy:
        for _ in range(3):
            assert rota.wait(5) is busy
            busy.take()
        busy.enabled = False
        busy.take()
        assert rota.wait(0.01) is None
