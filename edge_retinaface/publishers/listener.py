"""The socket that subscribers connect to: passed by systemd, or our own."""

import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

from edge_retinaface.errors import PublishError
from edge_retinaface.publishers.activation import passed_socket

MODE = 0o660
BACKLOG = 128  # connections that wait to be accepted


class Listener:
    """A listening, non-blocking AF_UNIX socket. PublishError if there can be none at `path`."""

    def __init__(self, path: str, environ: Mapping[str, str]) -> None:
        passed = passed_socket(environ)
        self.socket = passed or _listen(Path(path))
        self.socket.settimeout(0)
        self._own = None if passed else (Path(path), _identity(Path(path)))  # systemd removes what it made

    def close(self) -> None:
        """Stop listening, and remove the socket file if it is our own and still there."""
        self.socket.close()
        if self._own and _identity(self._own[0]) == self._own[1]:
            self._own[0].unlink(missing_ok=True)


def _listen(path: Path) -> socket.socket:
    _check_free(path)
    # listens under another name first: nobody connects before the mode is right, and a stale file is replaced at once
    aside = path.with_name(f".{os.getpid()}")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        aside.unlink(missing_ok=True)
        server.bind(os.fspath(aside))
        aside.chmod(MODE)
        server.listen(BACKLOG)
        aside.replace(path)
    except OSError as error:
        server.close()
        aside.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise PublishError(f"{path}: wanted a directory to make a socket in, found: {reason}") from error
    return server


def _check_free(path: Path) -> None:
    """PublishError if something lives at `path`; a socket file that nobody listens on is nothing."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise PublishError(f"{path}: wanted a socket or nothing, found something else, which stays")
    except OSError:
        return  # nothing there, or no way to it: bind says what is wrong
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except OSError:  # its queue is full, or it is not for us: somebody listens
            pass
    raise PublishError(f"{path}: wanted a free socket, found another process that listens there")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
