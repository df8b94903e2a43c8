"""A new configuration for a service that runs, with replayed cameras."""

import itertools
import json
import logging
import threading
import time
from collections.abc import Sequence

import pytest
from camera_servers import wait_for
from service_helpers import Bench, config, running

from edge_retinaface.config import Config
from edge_retinaface.errors import ConfigError, ModelError, PublishError
from edge_retinaface.publishers import MemoryPublisher, OnCommand, Publisher, ReadStats

pytestmark = pytest.mark.usefixtures("no_leaks")


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
