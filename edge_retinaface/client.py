"""A subscriber of the service's Unix socket."""

import os
import socket
from collections.abc import Iterator
from typing import Self

import msgspec

from edge_retinaface.errors import PublishError
from edge_retinaface.message import Device, Hello, Reply, Request, encode

TIMEOUT_S = 5.0  # for the connection, the greeting and answers
_CHUNK = 65536  # bytes a read


class Client:
    """One connection to a running service. PublishError where there is none. Use it as a context manager."""

    def __init__(self, path: str | os.PathLike[str], timeout_s: float = TIMEOUT_S) -> None:
        self._path = os.fspath(path)
        self._received = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(self._path)
            self.device: Device = msgspec.json.decode(self._line(), type=Hello).hello
        except (OSError, msgspec.MsgspecError) as error:
            self._socket.close()
            raise self._error("wanted the service's greeting", error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def lines(self) -> Iterator[bytes]:
        """Every line that comes, for as long as it takes: detection messages, and notes of how many were dropped."""
        self._socket.settimeout(None)
        while True:
            try:
                line = self._line()
            except OSError as error:
                raise self._error("wanted the next message", error) from error
            yield line

    def ask(self, method: str, *, camera: str = "", value: float | None = None) -> Reply:
        """The answer to a request, whether or not it was granted; messages that come before it are skipped."""
        request = Request(id=1, method=method, camera=camera, value=value)
        try:
            self._socket.sendall(encode(request) + b"\n")
            while b'"success"' not in (line := self._line()):
                continue
            return msgspec.json.decode(line, type=Reply)
        except (OSError, msgspec.MsgspecError) as error:
            raise self._error(f"wanted an answer to {method}", error) from error

    def _line(self) -> bytes:
        while b"\n" not in self._received:
            chunk = self._socket.recv(_CHUNK)
            if not chunk:
                raise ConnectionResetError(0, "the service has hung up")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _error(self, wanted: str, error: Exception) -> PublishError:
        found = getattr(error, "strerror", None) or str(error)
        return PublishError(f"{self._path}: {wanted}, found: {found}")
