"""What systemd is told, with a clock set by hand, seconds."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_retinaface.cameras import NS_PER_S, CameraState
from edge_retinaface.notify import Notifier
from edge_retinaface.service.health import Health, Progress, ready_because, status_line

RUNNING, STARTING = CameraState("running"), CameraState("starting")
AWAY, FINISHED = CameraState("away", "unplugged"), CameraState("finished")


@dataclass
class Camera:
    """What health looks at."""

    name: str = "door"
    state: CameraState = RUNNING
    enabled: bool = True
    max_fps: float = 15.0
    kept: bool = True


@dataclass
class Worker:
    """A detection thread as health sees it."""

    beat_ns: int = 0
    took_ns: int = 0
    last_ns: dict[str, int] = field(default_factory=dict)


def stuck_after(camera: Camera, seconds: int, *, worker: Worker | None = None, frames: bool = False) -> str | None:
    """What is found to hang, looking every second, while the detector beats and frames come or not."""
    progress, found = Progress(), None
    worker = worker or Worker()
    for second in range(seconds + 1):
        now_ns = worker.beat_ns = second * NS_PER_S
        if frames:
            worker.last_ns[camera.name] = now_ns
        found = found or progress.stuck([camera], worker, now_ns)
    return found


def test_a_running_camera_whose_frames_come_out_hangs_never() -> None:
    assert stuck_after(Camera(), 1000, frames=True) is None


def test_a_running_camera_without_a_frame_for_over_10_s_hangs() -> None:
    assert stuck_after(Camera(), 10) is None
    assert stuck_after(Camera(), 12) == "camera door: running, but no frame for 11 s"


def test_a_camera_known_to_be_away_or_paused_or_finished_never_hangs() -> None:
    for camera in (Camera(state=AWAY), Camera(enabled=False), Camera(state=FINISHED)):
        assert stuck_after(camera, 100_000) is None


def test_a_camera_that_starts_for_over_a_minute_hangs() -> None:
    assert stuck_after(Camera(state=STARTING), 60) is None
    assert stuck_after(Camera(state=STARTING), 62) == "camera door: starting for 61 s"


def test_a_camera_looked_at_once_in_100_s_does_not_hang_in_between() -> None:
    assert stuck_after(Camera(max_fps=0.01), 200) is None
    assert stuck_after(Camera(max_fps=0.01), 212) is not None


def test_cameras_of_a_slow_detector_wait_for_their_turns() -> None:
    assert stuck_after(Camera(), 20, worker=Worker(took_ns=6 * NS_PER_S)) is None


def test_a_camera_whose_keeper_has_ended_hangs() -> None:
    assert stuck_after(Camera(state=AWAY, kept=False), 1) == "camera door: its thread has ended"


def test_a_detector_at_one_frame_for_over_10_s_hangs_even_if_all_cameras_are_away() -> None:
    progress, cameras = Progress(), [Camera(state=AWAY)]
    assert progress.stuck(cameras, Worker(), 10 * NS_PER_S) is None
    assert progress.stuck(cameras, Worker(), 11 * NS_PER_S) == "the detector has been at one frame for 11 s"


def test_a_camera_that_comes_back_has_10_s_again() -> None:
    progress, worker, camera = Progress(), Worker(), Camera(state=AWAY)
    for second in range(1000):
        worker.beat_ns = second * NS_PER_S
        assert progress.stuck([camera], worker, worker.beat_ns) is None
    camera.state = RUNNING
    for second in range(1000, 1010):
        worker.beat_ns = second * NS_PER_S
        assert progress.stuck([camera], worker, worker.beat_ns) is None


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.setblocking(False)  # noqa: FBT003 - its name says it
        yield receiver


def told(manager: socket.socket) -> list[str]:
    lines: list[str] = []
    while True:
        try:
            lines += manager.recv(4096).decode().split("\n")
        except BlockingIOError:
            return lines


def make_health(manager: socket.socket, watchdog_s: int = 30) -> Health:
    return Health(Notifier({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": str(watchdog_s * 1_000_000)}))


def test_ready_is_told_once_after_the_first_published_frame(manager: socket.socket) -> None:
    health, worker, cameras = make_health(manager), Worker(), [Camera(state=STARTING)]
    health.round(cameras, worker, {}, 0)
    assert told(manager) == ["STATUS=door: starting"]
    cameras[0].state = RUNNING
    worker.last_ns["door"] = 1
    health.round(cameras, worker, {}, NS_PER_S)
    assert told(manager) == ["STATUS=door: running", "READY=1"]
    health.round(cameras, worker, {}, 2 * NS_PER_S)
    assert told(manager) == []


def test_ready_is_told_when_the_first_camera_is_tried_again_and_the_status_says_why(manager: socket.socket) -> None:
    health = make_health(manager)
    health.round([Camera(state=AWAY)], Worker(), {"mqtt": "no broker"}, 0)
    assert told(manager) == ["STATUS=door: away: unplugged; mqtt: no broker", "READY=1"]


def test_the_watchdog_is_fed_every_half_of_its_time_until_something_hangs(manager: socket.socket) -> None:
    health, worker, camera = make_health(manager, watchdog_s=4), Worker(), Camera()
    fed = []
    for second in range(1, 30):
        worker.beat_ns = second * NS_PER_S
        if second <= 10:
            worker.last_ns["door"] = worker.beat_ns
        health.round([camera], worker, {}, worker.beat_ns)
        if "WATCHDOG=1" in told(manager):
            fed.append(second)
    assert fed == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]


def test_reloading_tells_the_time_and_then_ready_again(manager: socket.socket) -> None:
    health = make_health(manager)
    health.reloading(5_000_000)
    health.reloaded()
    health.stopping()
    assert told(manager) == ["RELOADING=1", "MONOTONIC_USEC=5000", "READY=1", "STOPPING=1", "STATUS=stopping"]


def test_the_reason_for_being_ready_is_in_words() -> None:
    assert ready_because([Camera()], Worker()) is None
    assert ready_because([Camera()], Worker(last_ns={"door": 1})) == "the first frame of door was published"
    assert ready_because([Camera(), Camera("hall", AWAY)], Worker()) == "hall is away: unplugged"


def test_the_status_is_one_line() -> None:
    cameras = [Camera("a", AWAY), Camera("b", enabled=False)]
    assert status_line(cameras, {"mqtt": "no\nbroker"}) == "a: away: unplugged; b: paused; mqtt: no broker"
