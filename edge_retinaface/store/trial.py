"""A new model's trial on live frames: first in the shadow of the current one, then in its place, then for good."""

import logging
import os
import queue
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any, Self

import msgspec
import numpy as np

from edge_retinaface.errors import EdgeRetinaFaceError
from edge_retinaface.store.agreement import Agreement, agreement
from edge_retinaface.store.facade import Detector
from edge_retinaface.store.live import FAULTS, POLL_S, LiveDetector, Sample
from edge_retinaface.store.notes import Gates, Phase, Report, Request

STOP_S = 1.0  # a model that hangs is left behind

log = logging.getLogger(__name__)


class _Failed(Exception):  # noqa: N818 - a verdict
    """The model has not stood the trial."""


class _Withdrawn(Exception):  # noqa: N818 - as above
    """Nobody wants the trial any more, or the service ends."""


class Keeper:
    """The thread that keeps a LiveDetector's model as the store says, from `start` to `stop`; also a context."""

    def __init__(self, live: LiveDetector[Any], poll_s: float = POLL_S) -> None:
        self._live = live
        self._poll_s = poll_s
        self._thread = threading.Thread(target=self._keep, name="model-keeper", daemon=True)

    def start(self) -> None:
        """Say that it is there, and begin."""
        self._live.say(self._live.report)
        self._thread.start()

    def stop(self) -> None:
        """A trial that is not over starts anew next time: to be stopped is no fault of the model."""
        self._live.stopped.set()
        self._thread.join(STOP_S)
        self._live.withdraw_report()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _keep(self) -> None:
        while not self._live.stopped.wait(self._poll_s):
            request, report = self._live.request(), self._live.report
            if request is None:
                if report.id:
                    self._live.say(Report(pid=os.getpid()))
                self._live.follow()
            elif request.id != report.id:
                self._live.follow()
                if request.model == self._live.digest:
                    self._live.say(Report(pid=os.getpid(), id=request.id, phase="passed"))
                    continue
                Trial(self._live, request, self._poll_s).run()


class Trial:
    """One request, from loading the model to the verdict. The verdict is in the live detector's report.

    Shadow: both models, loaded apart from those in use, see the same frames one after the other. Health: the new one is
    in use, the frames that go by are shown to the current one, and times are compared with those of the shadow phase.
    """

    def __init__(self, live: LiveDetector[Any], request: Request, poll_s: float) -> None:
        self._live = live
        self._request = request
        self._gates: Gates = request.gates
        self._poll_s = poll_s
        self._report = Report(pid=os.getpid(), id=request.id)
        self._seen = Agreement()

    def run(self) -> None:
        """Until there is a verdict, or the request is withdrawn."""
        before = (self._live.active, self._live.digest)
        try:
            if not self._say("loading"):
                return
            self._live.is_watched = True
            current, candidate = self._load()
            self._shadow(current, candidate)
            times_ns = self._live.times_ns
            self._live.take_over(candidate, self._request.model)
            self._health(current, times_ns)
        except (_Failed, _Withdrawn) as verdict:
            if self._live.active is not before[0]:
                self._live.take_over(*before)
            if isinstance(verdict, _Failed):
                log.warning("model %s failed its trial: %s", self._request.model[:12], verdict)
                self._say("failed", reason=str(verdict))
        else:
            log.info("model %s passed its trial", self._request.model[:12])
            self._say("passed")
        finally:
            self._live.is_watched = False
            self._live.end_standby()

    def _load(self) -> tuple[Detector, Detector]:
        store, digest = self._live.store, self._live.digest
        current = self._live.load(store.path(digest) if digest else store.packaged())
        try:
            return current, self._live.load(store.path(self._request.model))
        except EdgeRetinaFaceError as error:
            raise _Failed(str(error)) from error

    def _shadow(self, current: Detector, candidate: Detector) -> None:
        times_ns: dict[int, list[int]] = {0: [], 1: []}
        for number, sample in enumerate(self._samples("shadow"), 1):
            found = {}
            for which in (0, 1) if number % 2 else (1, 0):  # who comes second finds warm caches
                start = self._live.clock_ns()
                found[which] = self._detect((current, candidate)[which], sample)
                times_ns[which].append(self._live.clock_ns() - start)
            self._compare(found[0], found[1], number, float(np.median(times_ns[1]) / np.median(times_ns[0])))
            if number >= self._gates.frames:
                self._judge()
                return

    def _health(self, current: Detector, before_ns: list[int]) -> None:
        end = monotonic() + self._gates.health_s
        for number, sample in enumerate(self._samples("health"), 1):
            if self._live.fault:
                raise _Failed(self._live.fault)
            after_ns = self._live.times_ns
            slowdown = float(np.median(after_ns) / np.median(before_ns)) if after_ns and before_ns else 0.0
            self._compare(self._detect(current, sample), sample.found, number, slowdown)
            if number >= self._gates.frames:
                self._judge()
                if monotonic() >= end:
                    return

    def _samples(self, phase: Phase) -> Iterator[Sample]:
        """Live frames for this phase, counted from 0 again. Half of the time is left to the service."""
        self._seen, self._live.fault = Agreement(), ""
        while not self._live.samples.empty():
            self._live.samples.get_nowait()
        self._say(phase, frames=0, faces=0, agreement=1.0, slowdown=0.0)
        said = monotonic()
        while True:
            if monotonic() - said >= self._poll_s:
                self._say(phase)
                said = monotonic()
                request = self._live.request()
                if request is None or request.id != self._request.id:
                    raise _Withdrawn
            if self._live.stopped.is_set():
                raise _Withdrawn
            try:
                sample = self._live.samples.get(timeout=self._poll_s)
            except queue.Empty:
                continue
            start = monotonic()
            yield sample
            self._live.stopped.wait(monotonic() - start)

    def _detect(self, detector: Detector, sample: Sample) -> Any:  # noqa: ANN401
        detector.min_score = self._live.min_score
        try:
            return detector.detect(sample.frame)
        except FAULTS as error:
            raise _Failed(str(error)) from error

    def _compare(self, one: Any, other: Any, number: int, slowdown: float) -> None:  # noqa: ANN401
        self._seen += agreement(one, other, self._live.min_score)
        self._report = msgspec.structs.replace(
            self._report, frames=number, faces=self._seen.faces, agreement=self._seen.share, slowdown=slowdown
        )

    def _judge(self) -> None:
        report, gates = self._report, self._gates
        if report.agreement < gates.min_agreement:
            raise _Failed(
                f"wanted agreement with the current model on {gates.min_agreement:.0%} of faces, "
                f"found {report.agreement:.0%} of {report.faces}"
            )
        if report.slowdown > gates.max_slowdown:
            raise _Failed(
                f"wanted at most {gates.max_slowdown:g} times the current model's time, found {report.slowdown:.2f}"
            )

    def _say(self, phase: Phase, **changes: Any) -> bool:  # noqa: ANN401
        self._report = msgspec.structs.replace(self._report, phase=phase, **changes)
        return self._live.say(self._report)
