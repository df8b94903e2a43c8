import os
import pty
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mosquitto
import numpy as np
import pytest
from waiting import eventually

from edge_retinaface.config import SocketSettings
from edge_retinaface.data import Detections, Frame
from edge_retinaface.message import Device, Now, encode_message
from edge_retinaface.publishers import SocketPublisher

UTC = os.environ | {"TZ": "UTC"}


def message(faces: int) -> bytes:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), "BGR", 7, 1_000_000_000)
    scores = np.linspace(0.99, 0.5, faces, dtype=np.float32)
    found = Detections(np.zeros((faces, 4), np.float32), scores, np.zeros((faces, 5, 2), np.float32))
    now = Now(monotonic_ns=1_041_700_000, unix_ns=1_800_000_000_041_700_000)
    return encode_message(frame, found, device="pi", camera="door", model="m", now=now)


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[SocketPublisher]:
    settings = SocketSettings(path=str(tmp_path / "er.sock"), queue=8)
    device = Device(device="pi", version="1")
    publisher = SocketPublisher(settings, device, on_command=lambda _: None, stats=lambda: b"", environ={})
    yield publisher
    publisher.close(1)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "edge_retinaface", "listen", *arguments]


def publish_to(publisher: SocketPublisher, messages: list[bytes]) -> None:
    assert eventually(lambda: publisher.counters()["subscribers"] == 1)
    for one in messages:
        publisher.publish("door", one, 0)


def test_a_pipe_gets_the_messages_as_json_lines_to_the_byte(publisher: SocketPublisher, tmp_path: Path) -> None:
    listen = command("--socket", str(tmp_path / "er.sock"), "--count", "2")
    with subprocess.Popen(listen, stdout=subprocess.PIPE) as process:
        publish_to(publisher, [message(0), message(2), message(1)])
        out, _ = process.communicate(timeout=20)
    assert out == message(0) + b"\n" + message(2) + b"\n"
    assert process.returncode == 0


def test_a_terminal_gets_a_readable_line_a_message(publisher: SocketPublisher, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command("--socket", str(tmp_path / "er.sock"), "--count", "2"), stdout=theirs, env=UTC):
        os.close(theirs)
        publish_to(publisher, [message(2), message(0)])
        text = b""
        while text.count(b"\n") < 2:
            text += os.read(ours, 4096)
    os.close(ours)
    assert text.decode().splitlines() == [
        "08:00:00.000  door  2 faces  0.99 0.50  42 ms old",
        "08:00:00.000  door  0 faces  42 ms old",
    ]


def test_what_a_slow_reader_lost_is_told_on_standard_error_in_its_place(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "er.sock"))
        server.listen()
        listen = command("--socket", str(tmp_path / "er.sock"), "--count", "1")
        with subprocess.Popen(listen, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b'{"schema":1,"hello":{"device":"pi","version":"1"}}\n{"dropped":3}\n')
                connection.sendall(message(0) + b"\n")
                out, said = process.communicate(timeout=20)
    assert out == message(0).decode() + "\n"
    assert said == "3 messages lost here: this reader is too slow\n"


def test_no_service_is_one_line_and_exit_code_74(tmp_path: Path) -> None:
    done = subprocess.run(command("--socket", str(tmp_path / "none")), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (74, "", 1)


def test_without_a_broker_in_the_configuration_there_is_none_to_listen_to(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[camera]]\nname = "door"\nuri = "picamera:0"\n')
    done = subprocess.run(command("--mqtt", "--config", str(config)), capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "wanted a broker to listen to" in done.stderr


@pytest.mark.broker
@pytest.mark.skipif(not mosquitto.AVAILABLE, reason=mosquitto.MISSING)
class TestBroker:
    @staticmethod
    def config(tmp_path: Path, port: int, more: str = "") -> str:
        config = tmp_path / "config.toml"
        config.write_text(
            'device = "pi"\n[[camera]]\nname = "door"\nuri = "picamera:0"\n[mqtt]\nhost = "127.0.0.1"\n'
            f"port = {port}\n{more}"
        )
        config.chmod(0o600)
        return str(config)

    def test_the_broker_s_messages_are_those_of_this_device(self, tmp_path: Path) -> None:
        with mosquitto.Broker(tmp_path) as broker, mosquitto.Watcher(broker.port) as other:
            listen = command("--mqtt", "--config", self.config(tmp_path, broker.port), "--count", "1")
            with subprocess.Popen(listen, stdout=subprocess.PIPE) as process:
                while process.poll() is None:  # until it has subscribed
                    other.publish("edge_retinaface/other/door/faces", message(2))
                    other.publish("edge_retinaface/pi/door/faces", message(1))
                    time.sleep(0.05)
                out, _ = process.communicate()
        assert (process.returncode, out) == (0, message(1) + b"\n")

    def test_a_broker_that_is_not_there_is_exit_code_74(self, tmp_path: Path) -> None:
        with mosquitto.Broker(tmp_path) as broker:
            pass
        done = subprocess.run(
            command("--mqtt", "--config", self.config(tmp_path, broker.port)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (
            74,
            f"edge-retinaface: 127.0.0.1:{broker.port}: wanted a connection, found Connection refused\n",
        )

    def test_a_wrong_password_is_exit_code_74(self, tmp_path: Path) -> None:
        (tmp_path / "users").write_text("")
        with mosquitto.Broker(tmp_path, f"password_file {tmp_path}/users\n") as broker:
            config = self.config(tmp_path, broker.port, 'username = "pi"\npassword = "wrong"\n')
            done = subprocess.run(command("--mqtt", "--config", config), capture_output=True, text=True, check=False)
        assert done.returncode == 74
        assert "Not authorized" in done.stderr
        assert "wrong" not in done.stderr
