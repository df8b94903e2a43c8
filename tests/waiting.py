"""Waiting for what other threads and programs do."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0  # before a test gives up; says nothing about how long anything should take
STEP_S = 0.01


def eventually(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> bool:
    """Whether `condition` comes true within `patience_s` seconds."""
    end_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(STEP_S)
    return True
