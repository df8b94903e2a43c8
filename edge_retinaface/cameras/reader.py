"""One attempt to read a camera, in a thread of its own: nothing else ever blocks on a camera."""

import threading
import time
from contextlib import closing

from edge_retinaface.cameras.slot import Slot
from edge_retinaface.cameras.source import NS_PER_S, Opener, Source
from edge_retinaface.data import U8
from edge_retinaface.errors import CameraError
from edge_retinaface.preprocess import Fitter


class Reader(threading.Thread):
    """Opens a source and reads until it ends, fails, or is told to stop.

    A read that hangs cannot be interrupted from outside: the reader is then told to stop and left behind. It puts
    nothing more into the slot, and gives its source back as soon as the read returns, if ever.
    """

    def __init__(self, name: str, open_source: Opener, slot: Slot, opening_s: float) -> None:
        super().__init__(name=f"camera-{name}", daemon=True)  # daemon: a hung driver must not keep the process alive
        self.failure: str | None = "the reader stopped by an unexpected error"  # None: finished
        self.delivered = False  # the first picture was there
        self.ended = False
        self.news = threading.Event()  # one of the two above has changed
        self._open_source = open_source
        self._slot = slot
        self._opening_s = opening_s
        self._stopping = threading.Event()
        self._fitter = Fitter()
        self._spare: U8 | None = None  # pixels of the source's that nobody needs any more
        self._blocked: tuple[int, float] | None = None  # since when, for how long at most

    def run(self) -> None:
        """The thread."""
        try:
            self._block(self._opening_s)
            with closing(self._open_source(self._stopping)) as source:
                self._block(source.deadline_s)
                while not self._stopping.is_set() and self._read(source):
                    self._block(source.deadline_s)
                self._block(source.deadline_s)  # closing a camera that is gone can hang as well
            self.failure = None
        except CameraError as error:
            self.failure = str(error)
        finally:
            self._blocked = None
            self.ended = True
            self.news.set()

    def stop(self) -> None:
        """No frame comes after this; the thread ends when its read returns."""
        with self._slot.ready:
            self._stopping.set()
            self._slot.ready.notify_all()

    def hangs_s(self, now_ns: int) -> float | None:
        """Seconds that the read has taken so far, once that is beyond its deadline; None while all is well."""
        blocked = self._blocked
        if blocked is None:
            return None
        since_ns, deadline_s = blocked
        taken_s = (now_ns - since_ns) / NS_PER_S
        return taken_s if taken_s > deadline_s else None

    def _block(self, deadline_s: float) -> None:
        self._blocked = (time.monotonic_ns(), deadline_s)

    def _read(self, source: Source) -> bool:
        """Move one picture to the slot; False after the last."""
        slot = self._slot
        picture = source.read(lambda: source.lossless or slot.wanted(time.monotonic_ns()), self._spare)
        self._blocked = None  # waiting for the detector is no fault of the camera
        if picture is None:
            return False
        if picture.pixels is None:
            slot.skip()
        else:
            pixels, scaled_from = self._fit(picture.pixels)
            put = slot.put_when_empty if source.lossless else slot.put
            put(pixels, source.order, picture.captured_ns, self._stopping.is_set, scaled_from)
        if not self.delivered:
            self.delivered = True
            self.news.set()
        return True

    def _fit(self, pixels: U8) -> tuple[U8, tuple[int, int] | None]:
        """What goes into the slot, and the size it was scaled from, if it was: then `pixels` may be used again."""
        fit_hw = self._slot.fit_hw
        fitted = pixels if fit_hw is None else self._fitter.fit(pixels, fit_hw)
        if fitted is pixels:
            self._spare = None
            return pixels, None
        self._spare = pixels
        return fitted, (pixels.shape[0], pixels.shape[1])
