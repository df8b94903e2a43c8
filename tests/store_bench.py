"""A LiveDetector under frames, with detectors whose faces, speed and health the test chooses."""

import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from store_cases import PackagedStore, make_model

from edge_retinaface.data import Detections, Frame
from edge_retinaface.store.live import LiveDetector
from edge_retinaface.store.notes import Gates, Request, write_request

POLL_S = 0.02
LIMIT_S = 60  # never reached but by a fault
GATES = Gates(frames=5, health_s=0.1)
BOX = [10, 10, 30, 30]
SCORES = {"a": 0.90, "b": 0.91, "packaged": 0.92}  # by which one can tell who found a face


class Clock(threading.local):
    """Time that passes only while a detector works, on each thread its own: a busy computer changes nothing."""

    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


CLOCK = Clock()


@dataclass
class Fake:
    """What it finds is one face, at `box`."""

    name: str
    box: list[int] = field(default_factory=lambda: BOX)
    cost_ns: int = 1000
    fails_after: int = 1 << 30  # calls
    min_score: float = 0.5
    max_iou: float = 0.4
    stages: object = None
    model_name: str = ""
    input_hw: tuple[int, int] = (480, 640)
    fit_hw: tuple[int, int] | None = (480, 640)
    calls: int = 0

    def detect(self, _: Frame) -> Detections:
        self.calls += 1
        if self.calls > self.fails_after:
            raise RuntimeError(f"{self.name} is broken")
        CLOCK.now_ns += self.cost_ns
        scores = np.array([SCORES[self.name]], np.float32)
        return Detections(np.array([self.box], np.float32), scores, np.zeros((1, 5, 2), np.float32))


class Bench:
    """A store with a current model `a`, and makers of detectors by the name on the card."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = folder / "model.json"
        self.makers: dict[str, Callable[[], Fake]] = {}
        self.made: list[Fake] = []
        self.store = PackagedStore(folder)
        self.digests = {name: self.add(name) for name in ("a", "b")}
        with self.store.locked():
            self.store.switch(self.digests["a"])

    def add(self, name: str) -> str:
        path = self.folder / f"{name}.tflite"
        with self.store.locked():
            return self.store.add(path, make_model(path, name))

    def load(self, path: Path) -> Fake:
        name = next((name for name, digest in self.digests.items() if digest == path.stem), "packaged")
        self.made.append(self.makers.get(name, lambda: Fake(name))())
        return self.made[-1]

    def live(self) -> LiveDetector[Fake]:
        return LiveDetector(self.load, self.store, self.report, CLOCK)

    def ask(self, name: str = "b", gates: Gates = GATES, asker: int = 0) -> None:
        pid = asker or os.getpid()
        write_request(self.store.folder, Request(id=f"ask-{name}", model=self.digests[name], gates=gates, pid=pid))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def frame(number: int = 0) -> Frame:
    return Frame(np.zeros((40, 40, 3), np.uint8), "BGR", number, 0)


def frames_until(live: LiveDetector[Fake], done: Callable[[], bool]) -> list[str]:
    """Feed frames; the names of the detectors that answered, in order."""
    names = []
    end = time.monotonic() + LIMIT_S
    for number in itertools.count():
        (score,) = live.detect(frame(number)).scores
        names.extend(name for name, its in SCORES.items() if abs(its - score) < 1e-3)
        if done():
            return names
        if time.monotonic() > end:
            break
        time.sleep(0.001)
    raise AssertionError(f"not reached; {live.report}")


def verdict(live: LiveDetector[Fake]) -> Callable[[], bool]:
    return lambda: live.report.phase in ("passed", "failed")
