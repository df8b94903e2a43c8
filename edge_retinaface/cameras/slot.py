"""One place for the newest frame, between the thread that reads a camera and the one that detects."""

import threading
from collections.abc import Callable

from edge_retinaface.cameras.source import NS_PER_S, FrameCounts
from edge_retinaface.data import U8, ChannelOrder, Frame

LEAST_FPS = 0.001  # a frame in a quarter of an hour
LONG_AGO = -(2**62)  # CLOCK_MONOTONIC starts near 0 at boot


class Slot:
    """The newest frame wins; every frame that nobody took is counted.

    `ready` is notified when a frame comes; several slots may share one condition, so that one thread waits for all.
    """

    def __init__(self, max_fps: float, ready: threading.Condition) -> None:
        self.ready = ready
        self._frame: Frame | None = None
        self._made = self._taken = self._dropped = self._skipped = 0
        self._enabled = True
        self._max_fps = max(max_fps, LEAST_FPS)
        self._due_ns = LONG_AGO  # earlier frames are not wanted
        self.fit_hw: tuple[int, int] | None = None  # input that frames shall be scaled for before they come here

    @property
    def full(self) -> bool:
        """Whether a frame waits."""
        return self._frame is not None

    @property
    def counts(self) -> FrameCounts:
        """Frames since the start."""
        with self.ready:
            return FrameCounts(self._made, self._taken, self._dropped, self._skipped)

    @property
    def enabled(self) -> bool:
        """False: paused, frames are read and skipped."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        with self.ready:
            self._enabled = value
            if not value and self._frame is not None:
                self._frame = None
                self._skipped += 1

    @property
    def max_fps(self) -> float:
        """Frames a second that the detector gets at most, on average; LEAST_FPS or more."""
        return self._max_fps

    @max_fps.setter
    def max_fps(self, value: float) -> None:
        with self.ready:
            self._max_fps = max(value, LEAST_FPS)
            self._due_ns = LONG_AGO

    def wanted(self, now_ns: int) -> bool:
        """Whether a frame that comes now would be taken: not paused, and not above max_fps."""
        return self._enabled and now_ns >= self._due_ns

    def skip(self) -> None:
        """Count a frame that was not wanted."""
        with self.ready:
            self._made += 1
            self._skipped += 1

    def put(
        self,
        pixels: U8,
        order: ChannelOrder,
        captured_ns: int,
        stopped: Callable[[], bool],
        scaled_from: tuple[int, int] | None = None,
    ) -> None:
        """The new frame replaces one that nobody took. Nothing happens once `stopped`."""
        with self.ready:
            if stopped():
                return
            if self._frame is not None:
                self._dropped += 1
            self._place(pixels, order, captured_ns, scaled_from)

    def put_when_empty(
        self,
        pixels: U8,
        order: ChannelOrder,
        captured_ns: int,
        stopped: Callable[[], bool],
        scaled_from: tuple[int, int] | None = None,
    ) -> None:
        """Wait until the frame before was taken and nothing is paused; for sources of which no picture may be lost."""
        with self.ready:
            while not stopped():
                if self._frame is None and self._enabled:
                    self._place(pixels, order, captured_ns, scaled_from)
                    return
                self.ready.wait(0.1)

    def take(self) -> Frame | None:
        """The frame that waits, once; None when there is none. Never blocks."""
        with self.ready:
            frame, self._frame = self._frame, None
            if frame is None:
                return None
            self._taken += 1
            period_ns = round(NS_PER_S / self._max_fps)
            # one period of credit: a camera that runs at max_fps with some jitter loses no frame, and the mean holds
            self._due_ns = max(self._due_ns, frame.captured_ns - period_ns) + period_ns
            self.ready.notify_all()
            return frame

    def _place(self, pixels: U8, order: ChannelOrder, captured_ns: int, scaled_from: tuple[int, int] | None) -> None:
        self._frame = Frame(pixels, order, self._made, captured_ns, scaled_from)
        self._made += 1
        self.ready.notify_all()
