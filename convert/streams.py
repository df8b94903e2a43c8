"""Standard output and error while somebody else's native code runs."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


class Heard:
    """What was said while nobody listened; `text` is there after the end."""

    text: str = ""


@contextlib.contextmanager
def silence() -> Iterator[Heard]:
    """Keeps whatever is printed, native code included, off both streams."""
    heard = Heard()
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        try:
            for descriptor in saved:
                os.dup2(kept.fileno(), descriptor)
            yield heard
        finally:
            sys.stdout.flush()  # what Python still holds belongs to the same silence
            sys.stderr.flush()
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)
            kept.seek(0)
            heard.text = kept.read().decode(errors="replace")
