"""What clients ask of the socket, and what they send that is no request."""

import json
import re
import socket
import threading
from pathlib import Path

import pytest
from socket_bench import HELLO, ROOT, Client, Service, publish
from waiting import PATIENCE_S

from edge_retinaface.publishers import OK, Command, SocketPublisher
from edge_retinaface.publishers.subscriber import MAX_LINE

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_requests_are_answered_by_their_id(publisher: SocketPublisher, path: Path, service: Service) -> None:
    publisher.publish_state("door", "enabled", "ON")
    publisher.publish_state("door", "threshold", "0.6")
    with Client(path) as client:
        assert client.line() == HELLO
        assert client.ask(id=1, method="stats") == {"id": 1, "success": True, "stats": {"fps": 15.0}}
        state = {"door": {"enabled": "ON", "threshold": "0.6"}}
        assert client.ask(id="x", method="state") == {"id": "x", "success": True, "state": state}
        assert client.ask(id=2, method="pause") == {"id": 2, "success": True}
        assert client.ask(id=3, method="resume", camera="door") == {"id": 3, "success": True}
        assert client.ask(id=4, method="set_threshold", camera="door", value=0.75) == {"id": 4, "success": True}
        assert client.ask(id=5, method="set_max_fps", value=5) == {"id": 5, "success": True}
        refused = {"id": 6, "success": False, "error": "wanted the camera door, found gate"}
        assert client.ask(id=6, method="pause", camera="gate") == refused
    assert service.commands == [
        Command("", "enabled", "OFF"),
        Command("door", "enabled", "ON"),
        Command("door", "threshold", "0.75"),
        Command("", "max_fps", "5.0"),
        Command("gate", "enabled", "OFF"),
    ]


WRONG_LINES = [
    (b"", None, "wanted a request"),
    (b"hello", None, "wanted a request"),
    (b"\xff\xfe\x00", None, "wanted a request"),
    (b"[1, 2]", None, "wanted a request"),
    (b'{"id": 7}', 7, "wanted a request"),
    (b'{"id": "a", "method": 3}', "a", "wanted a request"),
    (b'{"id": [1], "method": "stats"}', None, "wanted a request"),
    (b'{"id": 8, "method": "stats", "colour": "red"}', 8, "wanted a request"),
    (b'{"id": 9, "method": "format_disk"}', 9, "wanted one of the methods stats, state, pause, resume"),
    (b'{"id": 10, "method": "set_threshold"}', 10, "set_threshold: wanted a number as value, found none"),
    (b"[" * 4000, None, "wanted a request"),
    (b"x" * (MAX_LINE + 1), None, f"wanted at most {MAX_LINE} bytes a line, found more"),
    (b"x" * 1_000_000, None, f"wanted at most {MAX_LINE} bytes a line, found more"),
]


@pytest.mark.parametrize(("line", "request_id", "error"), WRONG_LINES, ids=range(len(WRONG_LINES)))
def test_a_wrong_line_gets_an_error_and_disturbs_nobody(
    publisher: SocketPublisher, path: Path, line: bytes, request_id: object, error: str
) -> None:
    with Client(path) as other, Client(path) as client:
        assert (other.line(), client.line()) == (HELLO, HELLO)
        client.send(line + b"\n")
        answer = client.line()
        assert (answer["id"], answer["success"]) == (request_id, False)
        assert error in answer["error"]
        assert client.ask(id=1, method="pause") == {"id": 1, "success": True}
        publish(publisher, 1)
        assert (other.line()["sequence"], client.line()["sequence"]) == (1, 1)


def test_many_requests_at_once_are_all_answered(publisher: SocketPublisher, path: Path, service: Service) -> None:
    with Client(path) as client:
        client.send(b"".join(b'{"id":%d,"method":"pause"}\n' % number for number in range(1000)))
        assert client.line() == HELLO
        assert [client.line()["id"] for _ in range(1000)] == list(range(1000))
    assert len(service.commands) == 1000
    assert publisher.health() == OK


def test_a_client_that_asks_but_never_reads_is_not_listened_to(publisher: SocketPublisher, path: Path) -> None:
    flood = b'{"id":1,"method":"nothing"}\n' * 1000
    with Client(path) as client, Client(path) as other:
        assert other.line() == HELLO

        def send() -> None:
            try:
                while True:
                    client.send(flood)
            except OSError:
                return

        flooding = threading.Thread(target=send)
        flooding.start()
        for number in range(200):
            publish(publisher, number)
            assert other.line()["sequence"] == number
        publisher.close(0)
        flooding.join(PATIENCE_S)
        assert not flooding.is_alive()


def test_a_client_that_only_writes_its_half_shut_still_reads(publisher: SocketPublisher, path: Path) -> None:
    with Client(path) as client:
        assert client.line() == HELLO
        client.send(b'{"id":1,"method":"stats"}')  # without a line feed, as from printf
        client.shutdown(socket.SHUT_WR)
        assert client.line()["id"] == 1
        publish(publisher, 1, 2)
        assert (client.line()["sequence"], client.line()["sequence"]) == (1, 2)


@pytest.mark.usefixtures("publisher")
def test_the_guide_shows_requests_that_are_understood(path: Path) -> None:
    guide = (ROOT / "docs" / "guide" / "socket.md").read_text()
    requests = [json.loads(text) for text in re.findall(r'^\| `(\{"id".*?\})` \|', guide, re.MULTILINE)]
    assert len(requests) == 5
    with Client(path) as client:
        assert client.line() == HELLO
        assert [client.ask(**request)["success"] for request in requests] == [True] * 5
