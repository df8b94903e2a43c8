"""The whole service on a thread, with replayed cameras: what it publishes, survives, changes and how it ends."""

import itertools
import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pytest
from camera_servers import wait_for
from service_helpers import PICTURE, Bench, config, endless, running

from edge_retinaface.config import Config
from edge_retinaface.data import U8
from edge_retinaface.errors import CameraError, ConfigError, ModelError, PublishError
from edge_retinaface.message import Stats
from edge_retinaface.publishers import MemoryPublisher, OnCommand, Publisher, ReadStats

pytestmark = pytest.mark.usefixtures("no_leaks")


def unplugged() -> Iterator[U8]:
    raise CameraError("unplugged")


def ages_ms(bench: Bench) -> list[float]:
    return [message.age_ms for message in bench.messages]


# what it publishes


def test_every_frame_becomes_a_message_of_schema_1() -> None:
    with running(Bench(config("door"), lambda: [PICTURE] * 7, fps=0)) as bench:
        bench.thread.join(20)
    assert [message.sequence for message in bench.messages] == list(range(7))
    message = bench.messages[0]
    assert (message.device, message.camera, message.model) == ("pi", "door", "fake")
    assert (message.width, message.height, len(message.faces)) == (64, 36, 1)


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


# how old messages are


class Metronome:
    """A camera that notes when it was asked for its pictures: the machine may be slower than the nominal rate."""

    def __init__(self) -> None:
        self.at_ns: list[int] = []

    def __call__(self) -> Iterator[U8]:
        while True:
            self.at_ns.append(time.monotonic_ns())
            yield PICTURE

    def period_ms(self, fps: float) -> float:
        """The longest that a frame had to be waited for."""
        return max(1000 / fps, float(np.max(np.diff(self.at_ns))) / 1e6)


@pytest.mark.parametrize(("fps", "took_s"), [(60, 0.05), (60, 0.004), (200, 0.02), (20, 0.03)])
def test_no_message_is_older_than_a_frame_period_and_one_and_a_half_inferences_and_20_ms(
    fps: float, took_s: float
) -> None:
    metronome = Metronome()
    with running(Bench(config("door"), metronome, fps=fps, took_s=took_s)) as bench:
        wait_for(lambda: len(bench.detector.asked) > 40)
    bound_ms = metronome.period_ms(fps) + 1.5 * max(bench.detector.took_ms) + 20
    assert np.percentile(ages_ms(bench), 99, method="lower") <= bound_ms


def test_four_cameras_at_one_detector_have_messages_no_older_and_get_equal_shares() -> None:
    metronomes = {name: Metronome() for name in ("a", "b", "c", "d")}
    with running(Bench(config(*metronomes), dict(metronomes), fps=30, took_s=0.02)) as bench:
        wait_for(lambda: len(bench.detector.asked) > 80)
    shares = [sum(message.camera == name for message in bench.messages) for name in metronomes]
    assert max(shares) - min(shares) <= 4
    period_ms = max(metronome.period_ms(30) for metronome in metronomes.values())
    bound_ms = period_ms + 1.5 * max(bench.detector.took_ms) + 20
    assert np.percentile(ages_ms(bench), 99, method="lower") <= bound_ms


# what it survives


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


# what can be changed


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


# a new configuration


def test_a_reload_adds_removes_and_keeps_cameras() -> None:
    with running(Bench(config("a", "b"))) as bench:
        wait_for(lambda: {message.camera for message in bench.messages} == {"a", "b"})
        kept = bench.cameras[0]
        bench.config = config("a", "c")
        bench.service.reload()
        wait_for(lambda: "c" in {message.camera for message in bench.messages[-3:]})
        assert [camera.name for camera in bench.cameras] == ["a", "b", "c"]
        assert kept.kept
        assert not bench.cameras[1].kept
        seen = len(bench.messages)
        wait_for(lambda: len(bench.messages) > seen + 10)
        assert {message.camera for message in bench.messages[seen:]} == {"a", "c"}


def test_a_reload_applies_threshold_and_rate_and_keeps_a_pause() -> None:
    with running(Bench(config("door"))) as bench:
        wait_for(lambda: bench.messages)
        bench.memory[0].command("door", "threshold", "0.25")
        bench.memory[0].command("door", "enabled", "OFF")
        bench.config = config("door", threshold=0.75, max_fps=30)
        bench.service.reload()
        wait_for(lambda: bench.memory[-1].states.get(("door", "threshold")) == "0.75")
        assert bench.memory[-1].states["door", "max_fps"] == "30"
        assert bench.memory[-1].states["door", "enabled"] == "OFF"


def test_a_new_device_name_opens_the_publishers_anew_and_no_message_is_lost_in_between() -> None:
    with running(Bench(config("door"))) as bench:
        wait_for(lambda: bench.messages)
        bench.config = config("door", device="attic")
        bench.service.reload()
        wait_for(lambda: len(bench.memory) == 2 and bench.memory[1].messages)
        assert bench.memory[0].closed
        wait_for(lambda: json.loads(bench.memory[1].messages[-1].message)["device"] == "attic")
        assert bench.memory[1].states["door", "enabled"] == "ON"


@pytest.mark.parametrize("error", [ConfigError("camera[0].uri: wanted …"), ModelError("new.tflite: damaged")])
def test_a_wrong_configuration_changes_nothing_and_is_logged_in_one_line(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with running(Bench(config("door"))) as bench, caplog.at_level(logging.ERROR):
        wait_for(lambda: bench.messages)
        bench.config = error
        bench.service.reload()
        wait_for(lambda: caplog.records)
        seen = len(bench.messages)
        wait_for(lambda: len(bench.messages) > seen + 10)
    assert [record.getMessage() for record in caplog.records] == [f"configuration not changed: {error}"]


def test_a_model_that_does_not_load_keeps_the_old_configuration_as_a_whole() -> None:
    bench = Bench(config("a"))
    with running(bench):
        wait_for(lambda: bench.messages)
        bench.config, bench.model = config("a", "b"), "model 2"
        bench.fail_model = ModelError("model 2: damaged")
        bench.service.reload()
        time.sleep(0.3)
        assert [camera.name for camera in bench.cameras] == ["a"]
        bench.fail_model = None
        bench.service.reload()
        wait_for(lambda: "b" in {message.camera for message in bench.messages})


def test_publishers_that_cannot_be_opened_give_way_to_the_old_ones() -> None:
    opened: list[MemoryPublisher] = []

    def publishers(one: Config, on_command: OnCommand, _: ReadStats) -> Sequence[Publisher]:
        if one.device == "wrong":
            raise PublishError("socket: no permission")
        opened.append(MemoryPublisher(on_command))
        return [opened[-1]]

    with running(Bench(config("door"), publishers=publishers)) as bench:
        wait_for(lambda: opened and opened[0].messages)
        bench.config = config("door", device="wrong")
        bench.service.reload()
        wait_for(lambda: len(opened) == 2 and opened[1].messages)
        wait_for(lambda: opened[1].states.get(("door", "status")) == "running")
        assert json.loads(opened[1].messages[-1].message)["device"] == "pi"
    assert bench.raised is None


def test_twenty_reloads_leak_no_thread() -> None:
    names = itertools.cycle(("b", "a"))
    with running(Bench(config("a"))) as bench:
        wait_for(lambda: bench.messages)
        before = threading.active_count()
        for _ in range(20):
            bench.config = config(next(names))
            opened = len(bench.cameras)
            bench.service.reload()
            wait_for(lambda opened=opened: len(bench.cameras) > opened)
        wait_for(lambda: threading.active_count() <= before)
