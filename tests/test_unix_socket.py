import json
import resource
import socket
import stat
import threading
from pathlib import Path

import pytest
from socket_bench import HELLO, QUEUE, Client, Open, Service, publish, subscribers
from waiting import PATIENCE_S, eventually

from edge_retinaface.config import SocketSettings
from edge_retinaface.message import Device
from edge_retinaface.publishers import OK, SocketPublisher
from edge_retinaface.publishers.socket_server import MAX_SUBSCRIBERS

pytestmark = pytest.mark.usefixtures("no_leaks")


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
