"""When a frame of a network stream was really captured, although it arrived through buffers."""

import time
from collections import deque
from collections.abc import Callable
from typing import Self

from edge_retinaface.cameras.source import NS_PER_MS, NS_PER_S

WAITED_NS = 2 * NS_PER_MS  # a read that slept this long had caught up with the stream, unless it was only preempted:
PACE = 0.25  # frames from a backlog follow each other faster than this part of the time between them


class StreamClock:
    """Frames that arrived at once waited in a buffer; their own time stamps say how long.

    Wrap each read in `with clock:`; then `captured_ns` tells the backlog from fresh frames. The least delayed of the
    last `window` fresh frames sets the clock: more than one show how late the first after a hiccup is, but that is true
    only of streams whose time stamps are a clock's. `wall_ns` and `thread_ns` are the wall's and the reading thread's.
    """

    def __init__(
        self,
        window: int = 1,
        wall_ns: Callable[[], int] = time.monotonic_ns,
        thread_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._thread_ns = thread_ns
        self._began = (0, 0)
        self._arrived_ns = self._gap_ns = self._stream_ns = 0
        self._waited = self._was_fresh = False
        self._offsets_ns: deque[int] = deque(maxlen=window)  # arrival minus stream time of fresh frames

    def __enter__(self) -> Self:
        self._began = (self._wall_ns(), self._thread_ns())
        return self

    def __exit__(self, *_: object) -> None:
        before_ns, self._arrived_ns = self._arrived_ns, self._wall_ns()
        self._gap_ns = self._arrived_ns - before_ns
        slept_ns = self._arrived_ns - self._began[0] - (self._thread_ns() - self._began[1])  # the rest was decoding
        self._waited = slept_ns > WAITED_NS

    def captured_ns(self, stream_ns: int) -> int | None:
        """CLOCK_MONOTONIC of the frame just read; None for what piled up before the first two fresh frames in a row."""
        fresh = self._waited and self._gap_ns >= PACE * (stream_ns - self._stream_ns)
        self._stream_ns = stream_ns
        if fresh and (self._offsets_ns or self._was_fresh):
            self._offsets_ns.append(self._arrived_ns - stream_ns)
        self._was_fresh = fresh
        if not self._offsets_ns:
            return None
        return min(stream_ns + min(self._offsets_ns), self._arrived_ns)

    def behind_s(self, captured_ns: int) -> float:
        """Seconds that the frame just read waited in buffers."""
        return (self._arrived_ns - captured_ns) / NS_PER_S
