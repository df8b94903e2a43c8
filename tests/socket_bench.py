"""A publisher at a Unix socket, and clients of it."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from waiting import PATIENCE_S, eventually

from edge_retinaface.config import SocketSettings
from edge_retinaface.message import Device
from edge_retinaface.publishers import Command, SocketPublisher

ROOT = Path(__file__).parent.parent
HELLO = {"schema": 1, "hello": {"device": "pi", "version": "1"}}
QUEUE = 8


class Client:
    """A program on the same computer."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(str(path))
        self.send = self._socket.sendall
        self.shutdown = self._socket.shutdown
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def line(self) -> Any:  # noqa: ANN401 - JSON
        """The next line; None if the other side hung up."""
        text = self._lines.readline()
        return json.loads(text) if text else None

    def lines(self) -> list[Any]:
        """All lines until the other side hangs up."""
        return [json.loads(text) for text in self._lines]

    def ask(self, **request: object) -> Any:  # noqa: ANN401 - JSON
        self.send(json.dumps(request).encode() + b"\n")
        return self.line()


class Service:
    """What a service puts behind the publisher."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def command(self, command: Command) -> str | None:
        self.commands.append(command)
        return None if command.camera in ("", "door") else f"wanted the camera door, found {command.camera}"


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "er.sock"


Open = Callable[..., SocketPublisher]


@pytest.fixture
def open_publisher(path: Path, service: Service) -> Iterator[Open]:
    opened: list[SocketPublisher] = []

    def open_one(**settings: Any) -> SocketPublisher:  # noqa: ANN401 - as SocketSettings
        publisher = SocketPublisher(
            SocketSettings(**{"path": str(path), "queue": QUEUE} | settings),
            Device(device="pi", version="1"),
            on_command=service.command,
            stats=lambda: b'{"fps":15.0}',
            environ={},
        )
        opened.append(publisher)
        return publisher

    yield open_one
    for publisher in opened:
        publisher.close(0)


@pytest.fixture
def publisher(open_publisher: Open) -> SocketPublisher:
    return open_publisher()


def publish(publisher: SocketPublisher, *numbers: int, size: int = 0) -> None:
    for number in numbers:
        publisher.publish("door", json.dumps({"sequence": number, "pad": "x" * size}).encode(), 0)


def subscribers(publisher: SocketPublisher, count: int) -> bool:
    return eventually(lambda: publisher.counters()["subscribers"] == count)
