"""What comes back from a real mosquitto: commands, and Home Assistant's start."""

import logging

import pytest
from mosquitto import AVAILABLE, MISSING, Broker, Watcher
from mqtt_bench import (
    AVAILABILITY,
    BASE,
    DISCOVERY,
    Commands,
    Start,
    well,
)
from waiting import eventually

from edge_retinaface.publishers import OK, Command

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(not AVAILABLE, reason=MISSING),
    pytest.mark.usefixtures("no_leaks"),
]


def test_commands_reach_the_service(
    broker: Broker, start: Start, commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = start(broker.port)
    assert well(publisher)
    with Watcher(broker.port) as watcher, caplog.at_level(logging.WARNING):
        for topic, value in (
            ("door/set/enabled", "OFF"),
            ("door/set/threshold", "0.8"),
            ("door/set/threshold/more", "1"),
            ("gate/set/enabled", "ON"),
            ("door/set/max_fps", b"\xff\xfe"),
            ("door/set/max_fps", "5"),
        ):
            watcher.publish(f"{BASE}/{topic}", value)
        assert eventually(lambda: len(commands) >= 4)
    assert commands == [
        Command("door", "enabled", "OFF"),
        Command("door", "threshold", "0.8"),
        Command("gate", "enabled", "ON"),
        Command("door", "max_fps", "5"),
    ]
    assert f"{BASE}/gate/set/enabled: wanted the camera door, found gate" in caplog.text
    assert f"{BASE}/door/set/max_fps: wanted text, found b'\\xff\\xfe'" in caplog.text
    assert publisher.health() == OK


def test_a_retained_command_is_ignored_with_a_warning_now_and_later(
    broker: Broker, start: Start, commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    first = start(broker.port)
    assert well(first)
    with Watcher(broker.port) as watcher, caplog.at_level(logging.WARNING):
        watcher.publish(f"{BASE}/door/set/enabled", "OFF", retain=True)
        assert eventually(lambda: "a retained command on edge_retinaface/pi/door/set/enabled is ignored" in caplog.text)
        first.close(5)
        caplog.clear()
        start(broker.port)
        assert eventually(lambda: "a retained command on edge_retinaface/pi/door/set/enabled is ignored" in caplog.text)
        watcher.publish(f"{BASE}/door/set/enabled", "ON")
        assert eventually(lambda: commands == [Command("door", "enabled", "ON")])


def test_discovery_and_state_are_told_again_when_home_assistant_starts(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port)
        publisher.publish_state("door", "enabled", "ON")
        assert eventually(lambda: len(watcher.of(f"{BASE}/door/state/enabled")) == 1)
        watcher.publish("homeassistant/status", "offline")
        watcher.publish("homeassistant/status", "online")
        assert eventually(lambda: len(watcher.of(DISCOVERY)) == 2)
        assert eventually(lambda: len(watcher.of(f"{BASE}/door/state/enabled")) == 2)
        assert len(set(watcher.of(DISCOVERY))) == 1


def test_discovery_can_be_removed_or_never_sent(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port)
        assert eventually(lambda: len(watcher.of(DISCOVERY)) == 1)
        publisher.remove_discovery()
        assert eventually(lambda: watcher.of(DISCOVERY)[-1] == b"")
        publisher.close(5)
    silent = start(broker.port, discovery="")
    silent.remove_discovery()
    assert well(silent)
    with Watcher(broker.port, "newcomer") as newcomer:
        assert eventually(lambda: newcomer.last(AVAILABILITY) == b"online")
        assert not newcomer.last(DISCOVERY)
