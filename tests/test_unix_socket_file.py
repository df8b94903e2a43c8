"""The socket's file: whose it is, what lies there already, and sockets that systemd passes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from socket_bench import HELLO, ROOT, Client, Open, Service
from waiting import PATIENCE_S

from edge_retinaface.config import SocketSettings
from edge_retinaface.errors import PublishError
from edge_retinaface.message import Device
from edge_retinaface.publishers import SocketPublisher

pytestmark = pytest.mark.usefixtures("no_leaks")


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
