import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import eventually

from edge_retinaface.publishers import OK, StdoutPublisher

pytestmark = pytest.mark.usefixtures("no_leaks")
F_GETPIPE_SZ = 1032
ROOT = Path(__file__).parent.parent


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:  # the test closed it
            continue


def read_all(reader: int) -> bytes:
    chunks = []
    while chunk := os.read(reader, 65536):
        chunks.append(chunk)
    return b"".join(chunks)


def test_nothing_published_writes_nothing(pipe: tuple[int, int]) -> None:
    publisher = StdoutPublisher(pipe[1])
    publisher.publish_stats(b"{}")
    publisher.publish_state("door", "enabled", "ON")
    publisher.close(5)
    os.close(pipe[1])
    assert read_all(pipe[0]) == b""
    assert publisher.health() == OK


def test_each_message_is_a_line_and_close_writes_what_waits(pipe: tuple[int, int]) -> None:
    publisher = StdoutPublisher(pipe[1])
    for number in range(100):
        publisher.publish("door", b'{"sequence":%d}' % number, 0)
    publisher.close(20)
    os.close(pipe[1])
    assert [json.loads(line)["sequence"] for line in read_all(pipe[0]).splitlines()] == list(range(100))
    assert publisher.counters() == {"sent": 100, "dropped": 0, "queued": 0}


def test_a_reader_that_does_not_read_loses_the_oldest_and_is_told(pipe: tuple[int, int]) -> None:
    message = b"x" * 1000
    held = fcntl.fcntl(pipe[1], F_GETPIPE_SZ) // len(message)  # about what the kernel keeps for the reader
    publisher = StdoutPublisher(pipe[1], queue=10)
    for _ in range(10 * held):
        publisher.publish("door", message, 0)  # never blocks: nobody reads
    counters = publisher.counters()
    assert counters["dropped"] >= 8 * held
    assert sum(counters.values()) == 10 * held
    os.set_blocking(pipe[0], False)
    received = bytearray()

    def everything_came() -> bool:
        with contextlib.suppress(BlockingIOError):
            received.extend(os.read(pipe[0], 65536))
        return publisher.counters()["queued"] == 0 and received.endswith(b"\n")

    assert eventually(everything_came)
    lines = bytes(received).splitlines()
    told = sum(json.loads(line)["dropped"] for line in lines if line.startswith(b"{"))
    assert told == publisher.counters()["dropped"]
    assert sum(line == message for line in lines) == publisher.counters()["sent"]
    publisher.close(5)


def test_a_reader_that_goes_away_stops_nothing(pipe: tuple[int, int]) -> None:
    publisher = StdoutPublisher(pipe[1])
    os.close(pipe[0])
    publisher.publish("door", b"{}", 0)
    assert eventually(lambda: publisher.health() != OK)
    assert publisher.health() == "standard output: wanted a reader, found: Broken pipe"
    publisher.publish("door", b"{}", 0)
    assert publisher.counters() == {"sent": 0, "dropped": 2, "queued": 0}
    publisher.close(5)
    publisher.close(5)  # a second time is nothing


def test_close_gives_up_on_a_reader_that_does_not_read(pipe: tuple[int, int]) -> None:
    publisher = StdoutPublisher(pipe[1], queue=10)
    for _ in range(200):
        publisher.publish("door", b"x" * 1000, 0)
    publisher.close(0.1)
    counters = publisher.counters()
    assert counters["queued"] == 0
    assert counters["sent"] + counters["dropped"] == 200
    publisher.publish("door", b"x", 0)
    assert publisher.counters()["dropped"] == counters["dropped"] + 1


def test_a_message_that_no_pipe_holds_does_not_hold_up_the_end(pipe: tuple[int, int]) -> None:
    publisher = StdoutPublisher(pipe[1])
    publisher.publish("door", b"x" * 1_000_000, 0)
    publisher.close(0.1)  # the thread ends, half of the line unwritten
    assert publisher.counters() == {"sent": 0, "dropped": 1, "queued": 0}


def test_a_program_that_exits_while_its_reader_sleeps_exits_cleanly() -> None:
    program = (
        "from edge_retinaface.publishers import StdoutPublisher\n"
        "p = StdoutPublisher()\n"
        "for _ in range(300): p.publish('door', b'x' * 1000, 0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
