"""Whose turn it is: several cameras share one detector."""

import threading
from collections.abc import Sequence

from edge_retinaface.cameras import LatestCamera


class Rota:
    """Cameras take turns; one without a fresh frame is passed over."""

    def __init__(self, ready: threading.Condition) -> None:
        self.ready = ready  # notified by every camera for each frame
        self._cameras: tuple[LatestCamera, ...] = ()
        self._next = 0

    @property
    def cameras(self) -> tuple[LatestCamera, ...]:
        """In the order of their turns."""
        return self._cameras

    @cameras.setter
    def cameras(self, cameras: Sequence[LatestCamera]) -> None:
        with self.ready:
            self._cameras = tuple(cameras)
            self._next = 0
            self.ready.notify_all()

    def wait(self, timeout_s: float) -> LatestCamera | None:
        """The next camera that has a fresh frame; None after `timeout_s` without one."""
        with self.ready:
            return self.ready.wait_for(self._turn, timeout_s)

    def _turn(self) -> LatestCamera | None:
        count = len(self._cameras)
        for step in range(count):
            turn = (self._next + step) % count
            if self._cameras[turn].full:
                self._next = turn + 1
                return self._cameras[turn]
        return None
