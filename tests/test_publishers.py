import json
import socket
from pathlib import Path

import pytest
from waiting import eventually

from edge_retinaface import __version__
from edge_retinaface.config import CameraSettings, Config, MqttSettings, SocketSettings, StdoutSettings
from edge_retinaface.errors import ConfigError, EdgeRetinaFaceError, PublishError
from edge_retinaface.publishers import OK, Command, MemoryPublisher, Published, Publisher, open_publishers

pytestmark = pytest.mark.usefixtures("no_leaks")
CAMERA = (CameraSettings(name="door", uri="picamera:0"),)
NOWHERE = MqttSettings(host="127.0.0.1", port=1)


def opened(config: Config) -> tuple[Publisher, ...]:
    return open_publishers(config, lambda _: None, lambda: b"{}", {})


def test_nothing_wanted_is_nothing_opened() -> None:
    assert opened(Config(camera=CAMERA, socket=SocketSettings(path=""))) == ()


def test_everything_wanted_is_opened_and_takes_the_same_calls(tmp_path: Path) -> None:
    config = Config(
        camera=CAMERA,
        mqtt=NOWHERE,
        socket=SocketSettings(path=str(tmp_path / "s")),
        stdout=StdoutSettings(enabled=True),
    )
    publishers = opened(config)
    assert [publisher.name for publisher in publishers] == ["socket", "mqtt", "stdout"]
    for publisher in publishers:
        publisher.publish_stats(b"{}")
        publisher.publish_state("door", "enabled", "ON")
        assert {"sent", "dropped", "queued"} <= set(publisher.counters())
        assert publisher.health()
        publisher.close(10)


def test_one_that_cannot_be_closes_the_others(tmp_path: Path) -> None:
    path = tmp_path / "s"
    broken = MqttSettings(host="127.0.0.1", port=1, ca_file=str(tmp_path / "missing.crt"))
    config = Config(camera=CAMERA, mqtt=broken, socket=SocketSettings(path=str(path)))
    with pytest.raises(ConfigError, match=r"^mqtt\.ca_file: wanted a PEM file of certificates, found .*: No such file"):
        opened(config)
    assert eventually(lambda: not path.exists())


def test_a_socket_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    config = Config(camera=CAMERA, socket=SocketSettings(path=str(tmp_path / "missing" / "s")))
    with pytest.raises(PublishError) as caught:
        opened(config)
    assert isinstance(caught.value, EdgeRetinaFaceError)
    assert caught.value.exit_code == 74


def test_the_hello_names_device_and_version(tmp_path: Path) -> None:
    path = tmp_path / "s"
    (publisher,) = opened(Config(device="pi", camera=CAMERA, socket=SocketSettings(path=str(path))))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        hello = json.loads(client.makefile().readline())
    assert hello == {"schema": 1, "hello": {"device": "pi", "version": __version__}}
    publisher.close(1)


def test_the_memory_publisher_keeps_everything_and_passes_commands_on() -> None:
    commands: list[Command] = []

    def refuse(command: Command) -> str | None:
        commands.append(command)
        return "wanted ON or OFF"

    memory = MemoryPublisher(refuse)
    publisher: Publisher = memory
    assert publisher.counters() == {"sent": 0, "dropped": 0, "queued": 0}
    publisher.publish("door", b"{}", 2)
    publisher.publish_stats(b"[]")
    publisher.publish_state("door", "enabled", "ON")
    publisher.publish_state("door", "enabled", "OFF")
    assert memory.messages == [Published("door", b"{}", 2)]
    assert (memory.stats, memory.states) == ([b"[]"], {("door", "enabled"): "OFF"})
    assert memory.command("door", "enabled", "maybe") == "wanted ON or OFF"
    assert commands == [Command("door", "enabled", "maybe")]
    assert (publisher.health(), memory.closed) == (OK, False)
    publisher.close(0)
    assert memory.closed
