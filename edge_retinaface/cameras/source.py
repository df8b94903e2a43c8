"""What a camera is made of: a source that is opened, read until it ends or fails, and opened again."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from edge_retinaface.data import U8, ChannelOrder

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Picture(NamedTuple):
    """One picture that a source made."""

    captured_ns: int  # CLOCK_MONOTONIC, nanoseconds
    pixels: U8 | None  # uint8 (height, width, 3), owned by the reader; None: made, but nobody wanted it


class Source(Protocol):
    """One connection to a camera. It knows nothing of retries: it delivers, ends, or raises CameraError."""

    order: ChannelOrder
    deadline_s: float  # a read that takes longer hangs
    lossless: bool  # True: every picture waits for the detector. False: the newest wins

    def read(self, wanted: Callable[[], bool], spare: U8 | None = None) -> Picture | None:
        """The next picture, upright; None after the last. `wanted` says whether converting its pixels is worth it.

        `spare` are pixels that this source delivered and nobody needs any more: it may write the next ones there.
        """

    def close(self) -> None:
        """Give everything back. Called once, by the thread that reads."""


# opens a source or raises CameraError; the event is set when the reader shall stop, so that a paced source wakes up
Opener = Callable[[threading.Event], Source]

StateName = Literal["starting", "running", "away", "finished"]


@dataclass(frozen=True, slots=True)
class CameraState:
    """What a camera does just now. away: it is being tried again, `reason` says why it is not there."""

    name: StateName
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" if self.reason else self.name


class FrameCounts(NamedTuple):
    """Where the frames of one camera went: made = taken + dropped + skipped + (0 or 1 that waits)."""

    made: int  # by the camera, as far as we saw
    taken: int  # by the detector
    dropped: int  # a newer one came before the detector was free
    skipped: int  # not wanted: more than max_fps, or paused
