"""A detector whose model changes while it runs: it follows the store, and tries a new model before it counts."""

import logging
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import NamedTuple

import numpy as np

from edge_retinaface.data import Detections, Frame
from edge_retinaface.errors import EdgeRetinaFaceError, ModelError
from edge_retinaface.store.facade import D, Facade
from edge_retinaface.store.models import Store
from edge_retinaface.store.notes import REPORT, REQUEST, RUNNING, Report, Request, is_open, read_note, write_report

POLL_S = 1.0
FAULTS = (EdgeRetinaFaceError, RuntimeError, ValueError)  # the interpreters raise the last two

log = logging.getLogger(__name__)


class Sample(NamedTuple):
    """A frame that went by, and what the active model found in it."""

    frame: Frame
    found: Detections


class LiveDetector(Facade[D]):
    """The store's model, loaded by `load`; `detect` is called on one thread, and never waits for another.

    A thread of its own looks into the store once a second: a model that became current is loaded there and takes over
    between two frames; one on trial is run there beside the active one (see `Trial`). Where `report` cannot be written
    there are no trials. ModelError if no model can be loaded.
    """

    def __init__(
        self,
        load: Callable[[Path], D],
        store: Store,
        report: Path = REPORT,
        clock_ns: Callable[[], int] = perf_counter_ns,
    ) -> None:
        self.load = load
        self.store = store
        self.clock_ns = clock_ns
        self._path = report
        super().__init__(*self._first())
        self._refused = store.current if store.current != self._digest else ""
        self._stale = ""  # id of a request that nobody waits for
        self.fault = ""  # why the active model was given up by detect
        self.times_ns: list[int] = []  # of detect, while a trial runs and since the last change of model
        self.samples: queue.Queue[Sample] = queue.Queue(maxsize=1)
        self.stopped = threading.Event()
        self.is_watched = False  # whether samples and times are wanted
        self._report = self._first_report()

    @property
    def fit_hw(self) -> tuple[int, int] | None:
        """Of the active model; whole frames during a trial, for the other model may want another size."""
        return None if self.is_watched else self._active.fit_hw

    @property
    def report(self) -> Report:
        """The latest."""
        return self._report

    def detect(self, frame: Frame) -> Detections:
        """Faces in a frame. When a model on trial fails at it, the old one does the frame again and goes on."""
        active, times_ns = self._active, self.times_ns
        start = self.clock_ns()
        try:
            found = active.detect(frame)
        except FAULTS as error:
            found = self._step_back(active, error).detect(frame)
        if self.is_watched:
            times_ns.append(self.clock_ns() - start)
            if not self.samples.full():
                # a copy: the camera may fill the array again before the trial has looked at it
                copy = replace(frame, pixels=np.array(frame.pixels))
                self.samples.put_nowait(Sample(copy, found))
        return found

    def follow(self) -> None:
        """Take over the store's current model if it is another one."""
        wanted = self.store.current
        if wanted in (self._digest, self._refused):
            return
        try:
            loaded = self.load(self.store.packaged() if wanted is None else self.store.path(wanted))
        except ModelError as error:
            log.warning("the model in use stays: %s", error)
            self._refused = wanted
            return
        self.take_over(loaded, wanted)
        self.end_standby()

    def take_over(self, detector: D, digest: str | None) -> None:
        """Make it the active one from the next frame on; the one before stands by."""
        with self._lock:
            detector.min_score, detector.max_iou = self._min_score, self._active.max_iou
            self._standby, self._active = self._active, detector
            self._digest, self._refused = digest, ""
            self.times_ns = []
        log.info("model %s is in use", digest[:12] if digest else "of the package")

    def end_standby(self) -> None:
        """Let go of the one that stands by."""
        with self._lock:
            self._standby = None

    def say(self, report: Report) -> bool:
        """Publish the report; False if that is not possible."""
        self._report = report
        try:
            write_report(self._path, report)
        except OSError as error:
            # without systemd there is no such folder, and nobody who would try a model
            level = logging.INFO if isinstance(error, FileNotFoundError) else logging.WARNING
            log.log(level, "%s: no model can be tried: %s", self._path, error.strerror)
            return False
        return True

    def withdraw_report(self) -> None:
        """Take the report away: the end was in good order."""
        self._path.unlink(missing_ok=True)

    def request(self) -> Request | None:
        """What the store asks for, as long as somebody waits for the answer."""
        request = read_note(self.store.folder / REQUEST, Request)
        if request is None or request.id == self._stale:
            return None
        if not is_open(request):
            self._stale = request.id  # for good: another process may get the number of the one that waited
            return None
        return request

    def _step_back(self, failing: D, error: Exception) -> D:
        """The detector to go on with after `error`; raises it if there is none."""
        with self._lock:
            if self._active is failing:
                if self._standby is None:
                    raise error
                self._active, self._standby = self._standby, None
                self.fault = str(error)
            return self._active

    def _first(self) -> tuple[D, str | None]:
        refusal: ModelError | None = None
        for path in self.store.whole():
            try:
                return self.load(path), path.stem if path == self.store.path(path.stem) else None
            except ModelError as error:
                log.warning("a model is passed over: %s", error)
                refusal = error
        raise refusal or ModelError(f"{self.store.folder}: wanted a model, found none")

    def _first_report(self) -> Report:
        last = read_note(self._path, Report)
        if last is None or last.phase not in (*RUNNING, "failed"):
            return Report(pid=os.getpid())
        # whoever ends in good order takes the report away: the service broke down with this model
        reason = last.reason or f"the service broke down in phase {last.phase}"
        return Report(pid=os.getpid(), phase="failed", id=last.id, reason=reason)
