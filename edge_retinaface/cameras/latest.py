"""A camera that never blocks and never gives up: the newest frame, a known state, reconnection for ever."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Self

from edge_retinaface.cameras.reader import Reader
from edge_retinaface.cameras.slot import Slot
from edge_retinaface.cameras.source import CameraState, FrameCounts, Opener
from edge_retinaface.data import Frame

log = logging.getLogger(__name__)

OPENING_S = 20.0  # an RTSP camera may take two key frames, a CSI camera a sensor start
RETRY_S = (1.0, 30.0)  # first and longest pause between attempts; doubles in between
LEFT_BEHIND = 3  # readers that hang at one time; beyond it, trying again would only pile up threads
TICK_S = 0.1  # how soon a deadline that has passed is noticed


class LatestCamera:
    """One camera: a keeper thread that watches a reader thread and replaces it when it fails or hangs."""

    def __init__(
        self,
        name: str,
        open_source: Opener,
        *,
        max_fps: float = 15.0,
        ready: threading.Condition | None = None,
        opening_s: float = OPENING_S,
        retry_s: tuple[float, float] = RETRY_S,
    ) -> None:
        self.name = name
        self.state = CameraState("starting")
        self.losses = 0  # times that it went away after it had delivered
        self._open_source = open_source
        self._slot = Slot(max_fps, ready or threading.Condition())
        self._opening_s = opening_s
        self._retry_s = retry_s
        self._closing = threading.Event()
        self._reader: Reader | None = None
        self._left_behind: list[Reader] = []
        self._keeper = threading.Thread(target=self._keep, name=f"keeper-{name}", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to read. The camera may be away: that is a state, not an error."""
        self._keeper.start()

    def stop(self) -> None:
        """Tell the threads to end, without waiting. No frame comes after this."""
        self._closing.set()
        if self._reader is not None:
            self._reader.stop()

    def close(self, timeout_s: float = 2.0) -> bool:
        """Stop and wait; False when a read still hangs and its thread had to be left behind."""
        self.stop()
        until = time.monotonic() + timeout_s
        if self._keeper.ident is not None:
            self._keeper.join(timeout_s)
        for reader in self._hanging():
            reader.join(max(0.0, until - time.monotonic()))
        return not self._keeper.is_alive() and not self._hanging()

    def take(self) -> Frame | None:
        """The newest frame that was not taken yet, or None. Never blocks."""
        return self._slot.take()

    def frames(self) -> Iterator[Frame]:
        """Each newest frame as it comes; ends after the last frame of a file, or when the camera is closed."""
        while True:
            ended = self._closing.is_set() or self.state.name == "finished"
            frame = self.take()
            if frame is not None:
                yield frame
            elif ended:
                return
            else:
                with self._slot.ready:
                    self._slot.ready.wait_for(lambda: self._slot.full or self._closing.is_set(), TICK_S)

    @property
    def kept(self) -> bool:
        """Whether somebody still looks after it: always so, but before the start and after closing."""
        return self._keeper.is_alive() or self.state.name == "finished"

    @property
    def full(self) -> bool:
        """Whether a frame waits to be taken."""
        return self._slot.full

    @property
    def counts(self) -> FrameCounts:
        """Where the frames went, since the start."""
        return self._slot.counts

    @property
    def enabled(self) -> bool:
        """False: paused. The camera stays connected, its frames are skipped."""
        return self._slot.enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._slot.enabled = value

    @property
    def max_fps(self) -> float:
        """Frames a second that `take` gives at most, on average."""
        return self._slot.max_fps

    @max_fps.setter
    def max_fps(self, value: float) -> None:
        self._slot.max_fps = value

    @property
    def fit_hw(self) -> tuple[int, int] | None:
        """The model's input that frames are scaled for on the camera's own thread; None: they come as they are."""
        return self._slot.fit_hw

    @fit_hw.setter
    def fit_hw(self, value: tuple[int, int] | None) -> None:
        self._slot.fit_hw = value

    def _keep(self) -> None:
        pause_s = self._retry_s[0]
        while not self._closing.is_set():
            reader = self._reader = Reader(self.name, self._open_source, self._slot, self._opening_s)
            reader.start()
            if self._closing.is_set():  # closed between the two lines above
                reader.stop()
            failure = self._watch(reader)
            if self._closing.is_set():
                return
            if failure is None:
                self._become(CameraState("finished"))
                return
            if reader.delivered:
                self.losses += 1
                pause_s = self._retry_s[0]
            self._become(CameraState("away", failure))
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, self._retry_s[1])
            while len(self._hanging()) >= LEFT_BEHIND and not self._closing.is_set():
                self._become(CameraState("away", f"{failure}; {LEFT_BEHIND} reads hang, waiting for one to return"))
                self._closing.wait(pause_s)

    def _watch(self, reader: Reader) -> str | None:
        """Wait for the end of an attempt: why it failed, or None when it finished."""
        while True:
            reader.news.wait(TICK_S)
            reader.news.clear()
            if reader.ended:
                reader.join()
                return reader.failure
            if reader.delivered and self.state.name != "running":
                self._become(CameraState("running"))
            hangs_s = reader.hangs_s(time.monotonic_ns())
            if hangs_s is not None or self._closing.is_set():
                reader.stop()
                self._left_behind = [*self._hanging(), reader]
            if hangs_s is not None:
                return f"no answer for {hangs_s:.1f} s"
            if self._closing.is_set():
                return None

    def _hanging(self) -> list[Reader]:
        return [reader for reader in self._left_behind if reader.is_alive()]

    def _become(self, state: CameraState) -> None:
        if state == self.state:
            return
        # once for each change, not for each attempt: a camera that is away for a week fills no journal
        if state.name == "away" and self.state.name != "away":
            log.warning("camera %s: %s", self.name, state)
        elif state.name != "away":
            log.info("camera %s: %s", self.name, state)
        self.state = state
