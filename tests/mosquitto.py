"""A real mosquitto on a free port of this computer, its certificates, and somebody who listens to it."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from waiting import eventually

PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))  # Debian keeps brokers among the daemons
MOSQUITTO = shutil.which("mosquitto", path=PATHS)
AVAILABLE = MOSQUITTO is not None and shutil.which("openssl") is not None
MISSING = "mosquitto or openssl is not installed: apt-get install mosquitto openssl"

PERSISTENT = "persistence true\nautosave_interval 0\n"  # on disk is what `save` put there


class Broker:
    """Runs until the end of the `with`; can be killed, frozen and started again on the same port."""

    def __init__(self, folder: Path, settings: str = "allow_anonymous true\n") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = folder
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nuser root\npersistence_location {folder}/\n"
            f"log_dest file {folder}/mosquitto.log\nlog_type all\n{settings}"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stdin=subprocess.DEVNULL)
        assert eventually(self._answers), self.log()

    def kill(self) -> None:
        """As a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        return (self._folder / "mosquitto.log").read_text()

    def save(self) -> None:
        """Put sessions and retained messages on disk, once every message was acknowledged by whom it was for."""
        assert eventually(self._saves_no_message), self.log()

    def _saves_no_message(self) -> bool:
        assert self._process is not None
        database = self._folder / "mosquitto.db"
        database.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        assert eventually(database.exists)
        return b"sequence" not in database.read_bytes()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Heard(NamedTuple):
    topic: str
    payload: bytes
    retain: bool


class Watcher:
    """Hears everything, QoS 1, in a session that survives its connection."""

    def __init__(self, port: int, name: str = "watcher", user: tuple[str, str] | None = None) -> None:
        self.heard: list[Heard] = []
        self._subscribed = False
        self._client = Client(
            CallbackAPIVersion.VERSION2, name, clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
        )
        if user:
            self._client.username_pw_set(*user)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert eventually(lambda: self._subscribed)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = self._client.on_subscribe = self._client.on_message = None

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(20)

    def of(self, topic: str) -> list[bytes]:
        """The payloads that came on a topic, in order; not those that the broker kept from before."""
        return [heard.payload for heard in list(self.heard) if heard.topic == topic and not heard.retain]

    def last(self, topic: str) -> bytes | None:
        """The newest payload of a topic, kept or not; None if there is none."""
        payloads = [heard.payload for heard in list(self.heard) if heard.topic == topic]
        return payloads[-1] if payloads else None

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed = True

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append(Heard(message.topic, message.payload, message.retain))


class Certificates(NamedTuple):
    """PEM files: an authority, what it signed, and another authority."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    other_ca: Path


def make_certificates(folder: Path) -> Certificates:
    for name in ("ca", "other"):
        _openssl(folder, "req", "-x509", *_key(name), "-out", f"{name}.crt", "-subj", f"/CN={name}", "-days", "2")
    for name, names in (("server", "IP:127.0.0.1,DNS:localhost"), ("client", "DNS:client")):
        _openssl(folder, "req", *_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "names").write_text(f"subjectAltName={names}\n")
        signed_by = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed_by)
    files = ("ca.crt", "server.crt", "server.key", "client.crt", "client.key", "other.crt")
    return Certificates(*(folder / name for name in files))


def _key(name: str) -> tuple[str, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
