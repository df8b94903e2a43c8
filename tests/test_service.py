"""The whole service on a thread, with replayed cameras: what it publishes, survives, and lets be changed."""

import threading
import time
from collections.abc import Iterator, Sequence

import msgspec
import pytest
from camera_servers import wait_for
from service_helpers import PICTURE, Bench, config, endless, running

from edge_retinaface.config import Config
from edge_retinaface.data import U8
from edge_retinaface.errors import CameraError, PublishError
from edge_retinaface.message import Stats
from edge_retinaface.publishers import MemoryPublisher, OnCommand, Publisher, ReadStats

pytestmark = pytest.mark.usefixtures("no_leaks")


def unplugged() -> Iterator[U8]:
    raise CameraError("unplugged")


def test_every_frame_becomes_a_message_of_schema_1() -> None:
    with running(Bench(config("door"), lambda: [PICTURE] * 7, fps=0)) as bench:
        bench.thread.join(20)
    assert [message.sequence for message in bench.messages] == list(range(7))
    message = bench.messages[0]
    assert (message.device, message.camera, message.model) == ("pi", "door", "fake")
    assert (message.width, message.height, len(message.faces)) == (64, 36, 1)


def test_the_camera_scales_what_the_detector_would_and_messages_stay_in_the_camera_s_pixels() -> None:
    bench = Bench(config("door"), lambda: [PICTURE] * 20, fps=0)
    with running(bench):
        bench.thread.join(20)
    assert bench.detector.seen_hw[3:] == [(18, 32)] * 17  # one was taken, one waited, one was being read
    assert {(message.width, message.height) for message in bench.messages} == {(64, 36)}
    assert {message.faces[0].box for message in bench.messages} == {(0, 0, 64, 36)}
    bench = Bench(config("door"), lambda: [PICTURE] * 5, fps=0)
    bench.detector.fit_hw = None
    with running(bench):
        bench.thread.join(20)
    assert bench.detector.seen_hw == [(36, 64)] * 5


def test_it_ends_by_itself_when_the_last_file_has_come_to_its_end() -> None:
    with running(Bench(config("a", "b"), lambda: [PICTURE] * 5, fps=0)) as bench:
        bench.thread.join(20)
        assert not bench.thread.is_alive()
    assert bench.raised is None
    assert [sum(message.camera == name for message in bench.messages) for name in ("a", "b")] == [5, 5]
    assert bench.memory[0].closed


def test_the_state_of_each_camera_and_its_options_are_published() -> None:
    with running(Bench(config("door", "hall"), {"door": endless, "hall": unplugged})) as bench:
        wait_for(lambda: bench.memory and bench.memory[0].states.get(("door", "status")) == "running")
        wait_for(lambda: bench.memory[0].states.get(("hall", "status")) == "away: unplugged")
        assert bench.memory[0].states["door", "enabled"] == "ON"
        assert bench.memory[0].states["hall", "threshold"] == "0.5"
        assert bench.memory[0].states["hall", "max_fps"] == "240"


def test_statistics_tell_of_cameras_stages_publishers_and_memory() -> None:
    read: list[ReadStats] = []

    def publishers(_: Config, on_command: OnCommand, stats: ReadStats) -> Sequence[Publisher]:
        read.append(stats)
        return [MemoryPublisher(on_command)]

    with running(Bench(config("door"), fps=100, took_s=0.005, publishers=publishers)) as bench:
        wait_for(lambda: len(bench.detector.asked) > 50)
        found = msgspec.json.decode(read[0](), type=Stats)
    camera = found.cameras["door"]
    assert camera.status == "running"
    assert camera.fps > 10
    assert camera.losses == 0
    assert camera.age_ms is not None
    assert camera.frames["made"] >= camera.frames["taken"] + camera.frames["dropped"] + camera.frames["skipped"]
    assert list(found.stages_ms) == ["wait", "letterbox", "invoke", "decode", "nms", "encode", "publish"]
    assert 4 < found.stages_ms["invoke"].p50 < 100
    assert found.publishers["memory"]["sent"] >= 50
    assert found.memory_mib > 10


class Failing(MemoryPublisher):
    """Fails at everything."""

    name = "failing"

    def publish(self, camera: str, message: bytes, faces: int) -> None:
        raise PublishError(f"no way to publish {faces} faces of {camera}: {len(message)} bytes")

    def publish_state(self, camera: str, option: str, value: str) -> None:
        raise OSError(f"{camera} {option} {value}")

    def counters(self) -> dict[str, int]:
        raise KeyError("sent")


def test_a_publisher_that_fails_at_everything_stops_neither_the_others_nor_the_detector() -> None:
    well: list[MemoryPublisher] = []

    def publishers(_: Config, on_command: OnCommand, __: ReadStats) -> Sequence[Publisher]:
        well.append(MemoryPublisher(on_command))
        return [Failing(on_command), well[0]]

    with running(Bench(config("door"), publishers=publishers)) as bench:
        wait_for(lambda: well and len(well[0].messages) > 20)
        assert well[0].states["door", "enabled"] == "ON"
    assert bench.raised is None


def test_a_camera_that_comes_and_goes_does_not_disturb_the_other() -> None:
    def flaky() -> Iterator[U8]:
        yield from [PICTURE] * 3
        raise CameraError("loose cable")

    with running(Bench(config("flaky", "steady"), {"flaky": flaky, "steady": endless})) as bench:
        wait_for(lambda: sum(message.camera == "flaky" for message in bench.messages) > 9)
        wait_for(lambda: sum(message.camera == "steady" for message in bench.messages) > 30)
    numbers = [message.sequence for message in bench.messages if message.camera == "flaky"]
    assert numbers == sorted(numbers)


def test_a_detector_that_raises_ends_the_service_with_its_error() -> None:
    with running(Bench(config("door"))) as bench:
        wait_for(lambda: bench.messages)
        bench.detector.failure = RuntimeError("the accelerator is gone")
        bench.thread.join(20)
    assert isinstance(bench.raised, RuntimeError)
    assert bench.memory[0].closed


def test_a_detector_that_hangs_does_not_keep_the_service_from_stopping_within_5_s() -> None:
    with running(Bench(config("door"))) as bench:
        wait_for(lambda: bench.messages)
        bench.detector.hang.set()
        time.sleep(0.1)
        began = time.monotonic()
        bench.service.stop()
        bench.thread.join(20)
        assert time.monotonic() - began < 5
        assert bench.service.left_behind
        bench.detector.go_on.set()


def test_no_thread_outlives_the_service() -> None:
    before = threading.active_count()
    with running(Bench(config("a", "b", "c"))) as bench:
        wait_for(lambda: len(bench.messages) > 10)
    assert not bench.service.left_behind
    wait_for(lambda: threading.active_count() <= before)


def test_a_paused_camera_publishes_nothing_until_it_is_resumed() -> None:
    with running(Bench(config("door"))) as bench:
        wait_for(lambda: bench.messages)
        assert bench.memory[0].command("door", "enabled", "OFF") is None
        time.sleep(0.2)  # the frame in hand
        seen = len(bench.messages)
        time.sleep(0.3)
        assert len(bench.messages) == seen
        assert bench.memory[0].states["door", "enabled"] == "OFF"
        assert bench.memory[0].command("door", "enabled", "ON") is None
        wait_for(lambda: len(bench.messages) > seen + 5)


def test_each_camera_is_searched_with_its_own_threshold() -> None:
    with running(Bench(config("a", "b"))) as bench:
        wait_for(lambda: bench.messages)
        assert bench.memory[0].command("b", "threshold", "0.875") is None
        wait_for(lambda: 0.875 in bench.detector.asked[-4:] and 0.5 in bench.detector.asked[-4:])


def test_max_fps_changes_how_many_frames_are_looked_at() -> None:
    with running(Bench(config("door"), fps=100)) as bench:
        wait_for(lambda: bench.messages)
        assert bench.memory[0].command("", "max_fps", "10") is None
        time.sleep(0.3)
        seen = len(bench.messages)
        time.sleep(1.0)
        assert 5 <= len(bench.messages) - seen <= 13
