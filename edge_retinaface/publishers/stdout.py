"""Detection messages on standard output, one JSON object a line."""

import os
import select
import threading
import time

from edge_retinaface.publishers.line_queue import LineQueue
from edge_retinaface.publishers.protocol import OK

STDOUT = 1
QUEUE = 256  # messages for a reader that is slower than the cameras
CHUNK = select.PIPE_BUF  # bytes; a pipe that polls as writable takes as many without blocking
MS_PER_S = 1000


class StdoutPublisher:
    """Writes lines from a thread of its own: a slow reader loses the oldest and is told, a gone one stops nothing."""

    name = "stdout"

    def __init__(self, descriptor: int = STDOUT, queue: int = QUEUE) -> None:
        # the descriptor, not sys.stdout: Python aborts at exit if a thread still holds the lock of its buffer
        self._descriptor = descriptor
        self._lines = LineQueue(queue)
        self._trouble = ""
        self._closing_s: float | None = None  # monotonic; when to give up
        self._lock = threading.Lock()  # of all above
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="stdout", daemon=True)
        self._thread.start()

    def publish(self, camera: str, message: bytes, faces: int) -> None:  # noqa: ARG002 - the message names both
        """Queue the message; drop it if the reader is gone."""
        with self._lock:
            if self._trouble or self._closing_s is not None:
                self._lines.lose(1)
                return
            self._lines.put(message)
            os.eventfd_write(self._wake, 1)

    def publish_stats(self, stats: bytes) -> None:
        """Nothing: the lines are detection messages only."""

    def publish_state(self, camera: str, option: str, value: str) -> None:
        """Nothing: as publish_stats."""

    def counters(self) -> dict[str, int]:
        """Messages that were written, that were dropped, that wait."""
        with self._lock:
            return {"sent": self._lines.sent, "dropped": self._lines.dropped, "queued": len(self._lines)}

    def health(self) -> str:
        """OK, or why nothing is written any more."""
        return self._trouble or OK

    def close(self, timeout_s: float) -> None:
        """Write what waits, for at most `timeout_s` seconds."""
        with self._lock:
            if self._closing_s is not None:
                return
            self._closing_s = time.monotonic() + timeout_s
            os.eventfd_write(self._wake, 1)
        self._thread.join(timeout_s + 1)
        if not self._thread.is_alive():  # it hangs in a write to a terminal or disk at worst; then it dies with us
            os.close(self._wake)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        while True:
            with self._lock:
                head = self._lines.head()
                deadline_s = self._closing_s
            if deadline_s is not None and (not head or time.monotonic() >= deadline_s):
                break
            if head:
                poll.register(self._descriptor, select.POLLOUT)
            left_ms = None if deadline_s is None else max(0, (deadline_s - time.monotonic()) * MS_PER_S)
            ready = dict(poll.poll(left_ms))
            if ready.pop(self._wake, 0):
                os.eventfd_read(self._wake)
            if head:
                poll.unregister(self._descriptor)
            if ready and not self._write(head):
                break
        with self._lock:
            self._lines.abandon()

    def _write(self, head: memoryview) -> bool:
        """Write the head's beginning; False if the reader is gone."""
        try:
            size = os.write(self._descriptor, head[:CHUNK])
        except BlockingIOError:  # somebody made the terminal non-blocking, and it is full again
            size = 0
        except OSError as error:
            with self._lock:
                self._trouble = f"standard output: wanted a reader, found: {error.strerror}"
            return False
        with self._lock:
            self._lines.written(size)
        return True
