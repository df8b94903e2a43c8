"""Files and links that are there whole or not at all, whenever the power goes."""

import os
from collections.abc import Callable
from pathlib import Path

Step = Callable[[str], None]  # told after every operation on the disk what it was
ASIDE = "~"  # names that start so are unfinished work of a process that is gone; whoever holds the lock removes them
CHUNK = 1 << 18  # bytes written at a time


def no_step(_: str) -> None:
    """Tell nobody."""


def write_whole(path: Path, content: bytes, step: Step = no_step) -> None:
    """Make `path` a file with `content`. When this returns it stays so, power cut or not."""
    aside = path.with_name(ASIDE + path.name)
    with aside.open("wb") as file:
        os.fchmod(file.fileno(), 0o644)  # the service reads it, whatever root's umask
        step(f"create {aside}")
        for start in range(0, len(content), CHUNK):
            file.write(content[start : start + CHUNK])
            file.flush()
            step(f"write {aside}")
        os.fsync(file.fileno())
        step(f"sync {aside}")
    aside.replace(path)
    step(f"rename {path}")
    sync_folder(path.parent, step)


def point(link: Path, target: Path, step: Step = no_step) -> None:
    """Make `link` a symbolic link to `target`, as a path relative to the link's folder; as lasting as `write_whole`."""
    aside = link.with_name(ASIDE + link.name)
    aside.unlink(missing_ok=True)
    aside.symlink_to(os.path.relpath(target, link.parent))
    step(f"link {aside}")
    aside.replace(link)
    step(f"rename {link}")
    sync_folder(link.parent, step)


def remove(path: Path, step: Step = no_step) -> None:
    """Remove a file or link if it is there."""
    if path.is_symlink() or path.exists():
        path.unlink()
        step(f"remove {path}")
        sync_folder(path.parent, step)


def sync_folder(folder: Path, step: Step = no_step) -> None:
    """Make what was renamed in or out of `folder` last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    step(f"sync {folder}")
