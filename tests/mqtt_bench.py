"""Publishers at a real mosquitto, and what their tests ask of them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mosquitto import PERSISTENT, Broker, Watcher
from waiting import eventually

from edge_retinaface.config import CameraSettings, Config, MqttSettings
from edge_retinaface.publishers import OK, Command
from edge_retinaface.publishers.mqtt import MqttPublisher

ROOT = Path(__file__).parent.parent
BASE = "edge_retinaface/pi"
FACES, COUNT, AVAILABILITY = f"{BASE}/door/faces", f"{BASE}/door/count", f"{BASE}/availability"
DISCOVERY = "homeassistant/device/edge_retinaface_pi/config"
ANONYMOUS = "allow_anonymous true\n"
Start = Callable[..., MqttPublisher]
RunBroker = Callable[[str], Broker]


class Commands(list[Command]):
    def take(self, command: Command) -> str | None:
        self.append(command)
        return None if command.camera == "door" else f"wanted the camera door, found {command.camera}"


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def run_broker(tmp_path: Path) -> Iterator[RunBroker]:
    """Starts a broker with these settings; it ends after the publishers, which would else wait for it."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(Broker(tmp_path, settings))


@pytest.fixture
def broker(run_broker: RunBroker) -> Broker:
    return run_broker(ANONYMOUS + PERSISTENT)


@pytest.fixture
def start(run_broker: object, commands: Commands) -> Iterator[Start]:  # noqa: ARG001 - its end comes after ours
    started: list[MqttPublisher] = []

    def start_one(port: int, **settings: Any) -> MqttPublisher:  # noqa: ANN401 - as MqttSettings
        mqtt = MqttSettings(**{"host": "127.0.0.1", "port": port} | settings)
        config = Config(device="pi", camera=(CameraSettings(name="door", uri="picamera:0"),), mqtt=mqtt)
        publisher = MqttPublisher(config, mqtt, on_command=commands.take, version="1.2.3")
        started.append(publisher)
        return publisher

    yield start_one
    while started:
        started.pop().close(5)


def publish(publisher: MqttPublisher, *numbers: int, faces: int = 0) -> None:
    for number in numbers:
        publisher.publish("door", b'{"sequence":%d}' % number, faces)


def sequences(watcher: Watcher) -> list[int]:
    return [json.loads(payload)["sequence"] for payload in watcher.of(FACES)]


def well(publisher: MqttPublisher) -> bool:
    return eventually(lambda: publisher.health() == OK)


def says(publisher: MqttPublisher, text: str) -> bool:
    return eventually(lambda: text in publisher.health()) or bool(pytest.fail(publisher.health()))
