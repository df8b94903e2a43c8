"""A progress bar where something takes long and somebody watches."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def watch(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items, with a bar on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    # its own descriptor: the converter's chatter is silenced by pointing descriptor 2 elsewhere
    with os.fdopen(os.dup(2), "w") as stream:
        yield from track(items, description=what, total=total, console=Console(file=stream), transient=True)
