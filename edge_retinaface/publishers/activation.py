"""Sockets that systemd opened for us: sd_listen_fds(3)."""

import os
import socket
from collections.abc import Mapping

FIRST = 3  # SD_LISTEN_FDS_START
NAME = "edge-retinaface.socket"  # what systemd calls it unless the unit says FileDescriptorName=


def passed_socket(environ: Mapping[str, str]) -> socket.socket | None:
    """The listening AF_UNIX stream socket that was passed to this process, the one called NAME first; else None.

    It is a duplicate: the original stays open, so that a reload finds it again.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = environ.get("LISTEN_FDS", "")
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    descriptors = range(FIRST, FIRST + (int(count) if count.isdecimal() else 0))
    named = dict(zip(descriptors, names, strict=False))
    for descriptor in sorted(descriptors, key=lambda descriptor: named.get(descriptor) != NAME):
        if passed := _duplicate(descriptor):
            if _listens(passed):
                return passed
            passed.close()
    return None


def _duplicate(descriptor: int) -> socket.socket | None:
    """A socket on a copy of `descriptor` that children do not inherit; None if it is not open or no socket."""
    try:
        copy = os.dup(descriptor)
    except OSError:
        return None
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return None


def _listens(passed: socket.socket) -> bool:
    return (
        passed.family == socket.AF_UNIX
        and passed.type == socket.SOCK_STREAM
        and bool(passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    )
