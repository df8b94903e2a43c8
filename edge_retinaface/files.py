"""Files that somebody names: read only if they come to an end, checked before the work whose result they shall hold."""

import errno
import os
import stat
import tempfile
from pathlib import Path

ENDLESS = {
    stat.S_IFIFO: "a pipe, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
    stat.S_IFSOCK: "a socket, not a file",
}


def check_file(path: Path) -> None:
    """OSError unless it is a regular file: a pipe may never deliver, a device never end."""
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, ENDLESS[kind], str(path))


def read_file(path: Path) -> bytes:
    """What is in it; OSError as `check_file`."""
    check_file(path)
    return path.read_bytes()


def check_writable(path: Path) -> None:
    """OSError unless a file can be put there; folders above it may be missing. Nothing is left behind."""
    if path.exists():
        check_file(path)  # nothing is renamed over a device
    folder = next(one for one in path.absolute().parents if one.exists())
    with tempfile.TemporaryFile(dir=folder):  # os.access knows neither full disks nor odd file systems
        pass
