import json
import os
import re
import resource
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from waiting import PATIENCE_S, eventually

from edge_retinaface.config import SocketSettings
from edge_retinaface.errors import PublishError
from edge_retinaface.message import Device
from edge_retinaface.publishers import OK, Command, SocketPublisher
from edge_retinaface.publishers.socket_server import MAX_SUBSCRIBERS
from edge_retinaface.publishers.subscriber import MAX_LINE

pytestmark = pytest.mark.usefixtures("no_leaks")
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


def test_without_subscribers_nothing_waits_and_nothing_is_dropped(publisher: SocketPublisher) -> None:
    publish(publisher, *range(100))
    assert publisher.counters() == {"subscribers": 0, "sent": 0, "dropped": 0, "queued": 0}
    assert publisher.health() == OK


def test_a_client_reads_the_hello_and_then_every_message(publisher: SocketPublisher, path: Path) -> None:
    with Client(path) as client:
        assert client.line() == HELLO
        for number in range(100):
            publish(publisher, number)
            assert client.line()["sequence"] == number
    assert subscribers(publisher, 0)
    assert publisher.counters()["sent"] == 100


def test_the_socket_is_for_owner_and_group_only(publisher: SocketPublisher, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    publisher.close(1)
    assert not path.exists()


def test_fifty_subscribers_each_get_every_message_in_order(open_publisher: Open, path: Path) -> None:
    publisher = open_publisher(queue=64)
    clients = [Client(path) for _ in range(50)]
    assert subscribers(publisher, 50)
    publish(publisher, *range(64))
    publisher.close(PATIENCE_S)
    for client in clients:
        with client:
            assert [line.get("sequence") for line in client.lines()] == [None, *range(64)]
    assert publisher.counters() == {"subscribers": 0, "sent": 50 * 64, "dropped": 0, "queued": 0}


def test_a_client_that_never_reads_loses_its_oldest_and_slows_nobody(publisher: SocketPublisher, path: Path) -> None:
    with Client(path) as sleeper, Client(path) as reader:
        assert reader.line() == HELLO
        assert subscribers(publisher, 2)
        for number in range(400):
            publish(publisher, number, size=4096)
            assert reader.line()["sequence"] == number
        assert publisher.counters()["dropped"] > 100  # the kernel keeps some 200 kB for the sleeper
        assert publisher.counters()["queued"] <= 2 * (QUEUE + 1)  # one more of each is being written
        lines = []
        assert sleeper.line() == HELLO
        while not lines or lines[-1].get("sequence") != 399:
            lines.append(sleeper.line())
    dropped = sum(line.get("dropped", 0) for line in lines)
    numbers = [line["sequence"] for line in lines if "sequence" in line]
    assert dropped == publisher.counters()["dropped"]
    assert dropped + len(numbers) == 400
    assert numbers == sorted(set(numbers))
    gap = lines.index({"dropped": dropped})  # told exactly where the messages are missing
    assert lines[gap + 1]["sequence"] - lines[gap - 1]["sequence"] == dropped + 1


def test_publish_never_waits_for_the_thread_that_serves(
    path: Path, service: Service, request: pytest.FixtureRequest
) -> None:
    busy, go_on = threading.Event(), threading.Event()

    def stats() -> bytes:
        busy.set()
        assert go_on.wait(PATIENCE_S)
        return b"{}"

    publisher = SocketPublisher(
        SocketSettings(path=str(path), queue=QUEUE),
        Device(device="pi", version="1"),
        on_command=service.command,
        stats=stats,
        environ={},
    )
    request.addfinalizer(lambda: publisher.close(0))
    with Client(path) as client:
        assert client.line() == HELLO
        client.send(b'{"id":1,"method":"stats"}\n')
        assert busy.wait(PATIENCE_S)
        publish(publisher, *range(100))
        go_on.set()
        assert client.line() == {"id": 1, "success": True, "stats": {}}
        assert client.line() == {"dropped": 100 - QUEUE}
        assert [client.line()["sequence"] for _ in range(QUEUE)] == list(range(100 - QUEUE, 100))
    publisher.close(0)


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


def test_a_client_that_leaves_is_forgotten_without_a_message(publisher: SocketPublisher, path: Path) -> None:
    with Client(path):
        assert subscribers(publisher, 1)
    assert subscribers(publisher, 0)


def test_one_client_too_many_is_told_so(publisher: SocketPublisher, path: Path) -> None:
    clients = [Client(path) for _ in range(MAX_SUBSCRIBERS)]
    assert subscribers(publisher, MAX_SUBSCRIBERS)
    with Client(path) as one_more:
        refused = {"id": None, "success": False, "error": "wanted at most 128 subscribers, found one more"}
        assert one_more.lines() == [refused]
    clients.pop().__exit__()
    assert subscribers(publisher, MAX_SUBSCRIBERS - 1)
    with Client(path) as next_one:
        assert next_one.line() == HELLO
    for client in clients:
        client.__exit__()


def test_when_descriptors_run_out_clients_wait_and_the_others_go_on(publisher: SocketPublisher, path: Path) -> None:
    with Client(path) as early:
        assert early.line() == HELLO
        late = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        late.settimeout(PATIENCE_S)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (late.fileno() + 1, hard))  # not one more
        try:
            late.connect(str(path))
            assert eventually(lambda: publisher.health() != OK)
            assert "too many open files" in publisher.health()
            publish(publisher, 1)
            assert early.line()["sequence"] == 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert json.loads(late.recv(4096)) == HELLO
        assert publisher.health() == OK
        late.close()


def test_close_sends_what_waits_and_then_hangs_up(publisher: SocketPublisher, path: Path) -> None:
    with Client(path) as client:
        assert subscribers(publisher, 1)
        publish(publisher, *range(QUEUE))
        publisher.close(PATIENCE_S)
        publish(publisher, 99)
        assert [line.get("sequence") for line in client.lines()] == [None, *range(QUEUE)]
        assert publisher.health() == "socket: closed"


def test_close_gives_up_on_a_client_that_does_not_read_and_counts_what_it_did_not_get(
    publisher: SocketPublisher, path: Path
) -> None:
    with Client(path):
        assert subscribers(publisher, 1)
        publish(publisher, *range(200), size=10_000)
        publisher.close(0.1)
    counters = publisher.counters()
    assert counters["queued"] == 0
    assert counters["sent"] + counters["dropped"] == 200


def test_a_stale_socket_file_is_replaced(open_publisher: Open, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    publisher = open_publisher()
    with Client(path) as client:
        assert client.line() == HELLO
    publisher.close(1)


def test_a_socket_that_somebody_listens_on_stays(open_publisher: Open, path: Path) -> None:
    first = open_publisher()
    with pytest.raises(PublishError, match=r"er\.sock: wanted a free socket, found another process that listens there"):
        open_publisher()
    with Client(path) as client:
        assert client.line() == HELLO
    first.close(1)


def test_a_socket_whose_queue_is_full_is_alive_too(open_publisher: Open, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        waiting.connect(str(path))
        with pytest.raises(PublishError, match="found another process that listens there"):
            open_publisher()
        waiting.close()


def test_a_file_that_is_no_socket_stays(open_publisher: Open, path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(PublishError, match="wanted a socket or nothing, found something else, which stays"):
        open_publisher()
    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there_is_one_line(open_publisher: Open, path: Path) -> None:
    missing = path.parent / "missing" / "er.sock"
    with pytest.raises(PublishError, match=r"er\.sock: wanted a directory to make a socket in, found: No such file"):
        open_publisher(path=str(missing))


def test_a_socket_file_that_somebody_else_put_there_is_not_removed(publisher: SocketPublisher, path: Path) -> None:
    path.unlink()
    path.write_text("theirs")
    publisher.close(1)
    assert path.read_text() == "theirs"


SERVE = """
import os, sys
from edge_retinaface.config import SocketSettings
from edge_retinaface.message import Device
from edge_retinaface.publishers import SocketPublisher
for round in range(2):  # a reload finds the socket again
    publisher = SocketPublisher(SocketSettings(path="/nowhere/er.sock"), Device(device="pi", version="1"),
                                on_command=lambda command: None, stats=lambda: b"{}", environ=os.environ)
    sys.stdin.readline()
    publisher.close(1)
"""


@pytest.mark.parametrize("names", ["edge-retinaface.socket", "other.socket:edge-retinaface.socket", ""])
def test_a_socket_that_systemd_passes_is_used_and_left_alone(path: Path, names: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as passed, socket.socket() as other:
        passed.bind(str(path))
        passed.listen()
        other.bind(("127.0.0.1", 0))
        other.listen()
        first, second = (passed, other) if names.startswith("edge") else (other, passed)
        # LISTEN_PID is the process that gets them: the shell's, which becomes Python
        shell = f'exec 3<&{first.fileno()} 4<&{second.fileno()}; LISTEN_PID=$$ exec "$0" -c "$1"'
        environ = os.environ | {"LISTEN_FDS": "2", "LISTEN_FDNAMES": names}
        with subprocess.Popen(
            ["bash", "-c", shell, sys.executable, SERVE],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            pass_fds=(first.fileno(), second.fileno()),
        ) as process:
            assert process.stdin is not None
            for _ in range(2):
                with Client(path) as client:
                    assert client.line() == HELLO
                process.stdin.write(b"\n")
                process.stdin.flush()
            assert process.wait(PATIENCE_S) == 0
        assert path.exists()


def test_a_socket_passed_to_another_process_is_not_ours(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as passed:
        passed.bind(str(path))
        passed.listen()
        found = subprocess.run(
            ["bash", "-c", f'exec 3<&{passed.fileno()}; exec "$0" -c "$1"', sys.executable, SERVE],
            cwd=ROOT,
            env=os.environ | {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=(passed.fileno(),),
            check=False,
        )
    assert b"PublishError: /nowhere/er.sock: wanted a directory to make a socket in" in found.stderr


def test_descriptors_that_are_no_listening_unix_sockets_are_passed_over(path: Path, service: Service) -> None:
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}  # descriptor 3 of the tests is no such thing
    publisher = SocketPublisher(
        SocketSettings(path=str(path)),
        Device(device="pi", version="1"),
        on_command=service.command,
        stats=lambda: b"{}",
        environ=environ,
    )
    assert path.exists()
    publisher.close(1)


@pytest.mark.usefixtures("publisher")
def test_the_guide_shows_requests_that_are_understood(path: Path) -> None:
    guide = (ROOT / "docs" / "guide" / "socket.md").read_text()
    requests = [json.loads(text) for text in re.findall(r'^\| `(\{"id".*?\})` \|', guide, re.MULTILINE)]
    assert len(requests) == 5
    with Client(path) as client:
        assert client.line() == HELLO
        assert [client.ask(**request)["success"] for request in requests] == [True] * 5
