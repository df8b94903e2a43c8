import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from waiting import eventually

from edge_retinaface.client import Client
from edge_retinaface.config import SocketSettings
from edge_retinaface.errors import PublishError
from edge_retinaface.message import Device
from edge_retinaface.publishers import SocketPublisher

pytestmark = pytest.mark.usefixtures("no_leaks")
DEVICE = Device(device="pi", version="1")
STATS = b'{"uptime_s":7}'


@contextmanager
def serve(path: Path, queue: int = 8) -> Iterator[SocketPublisher]:
    settings = SocketSettings(path=str(path), queue=queue)
    publisher = SocketPublisher(settings, DEVICE, on_command=lambda _: None, stats=lambda: STATS, environ={})
    try:
        yield publisher
    finally:
        publisher.close(1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "er.sock"


def test_the_greeting_says_who_speaks(path: Path) -> None:
    with serve(path), Client(path) as client:
        assert client.device == DEVICE


def test_messages_come_in_order_as_they_were_published(path: Path) -> None:
    with serve(path) as publisher, Client(path) as client:
        for number in range(3):
            publisher.publish("door", b'{"n":%d}' % number, 0)
        lines = client.lines()
        assert [next(lines) for _ in range(3)] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def test_an_answer_is_found_among_messages(path: Path) -> None:
    with serve(path) as publisher, Client(path) as client:
        for _ in range(4):
            publisher.publish("door", b'{"faces":[]}', 0)
        assert eventually(lambda: publisher.counters()["sent"] == 4)
        assert bytes(client.ask("stats").stats or b"") == STATS
        refused = client.ask("dance")
        assert not refused.success
        assert "'dance'" in str(refused.error)


def test_no_service_is_one_line_that_names_the_socket(path: Path) -> None:
    with pytest.raises(PublishError, match=r"er\.sock: wanted the service's greeting, found: No such file"):
        Client(path)


def test_a_service_that_hangs_up_ends_the_messages_with_an_error(path: Path) -> None:
    with serve(path) as publisher, Client(path) as client:
        publisher.close(1)
        with pytest.raises(PublishError, match="the service has hung up"):
            next(client.lines())


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0\r\n", b'{"schema":1}\n', b"\xff\n"])
def test_something_else_behind_the_socket_is_refused(path: Path, greeting: bytes) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(path))
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with closing(connection):
                connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(PublishError, match="wanted the service's greeting"):
            Client(path)
        thread.join()


def test_a_service_that_says_nothing_is_not_waited_for_for_ever(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(PublishError, match="timed out"):
            Client(path, timeout_s=0.05)


def test_a_line_may_come_in_pieces(path: Path) -> None:
    message = json.dumps({"faces": list(range(50_000))}).encode()  # several reads
    with serve(path) as publisher, Client(path) as client:
        publisher.publish("door", message, 0)
        assert next(client.lines()) == message
