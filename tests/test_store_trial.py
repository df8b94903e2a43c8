"""A LiveDetector under frames, with detectors whose faces, speed and health the test chooses."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from store_cases import PackagedStore, make_model

from edge_retinaface.data import Detections, Frame
from edge_retinaface.errors import ModelError
from edge_retinaface.store.live import LiveDetector
from edge_retinaface.store.notes import Gates, Report, Request, read_note, withdraw_request, write_request
from edge_retinaface.store.trial import Keeper

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

    def ask(self, name: str = "b", gates: Gates = GATES) -> None:
        write_request(self.store.folder, Request(id=f"ask-{name}", model=self.digests[name], gates=gates))


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


def test_without_a_request_the_current_model_runs_and_the_report_is_idle(bench: Bench) -> None:
    live = bench.live()
    with Keeper(live, POLL_S):
        assert len(live.detect(frame())) == 1
        assert live.active.name == "a"
        assert read_note(bench.report, Report) == Report(pid=os.getpid())
    assert not bench.report.exists()


def test_a_model_as_good_as_the_current_one_takes_over_between_two_frames(bench: Bench) -> None:
    live = bench.live()
    bench.ask()
    with Keeper(live, POLL_S):
        names = frames_until(live, verdict(live))
        assert (live.report.phase, live.report.reason) == ("passed", "")
        assert live.report.frames >= 5
        assert live.report.agreement == 1
        assert names == sorted(names), "first a, then b, never back"
        assert live.active.name == "b"
        with bench.store.locked():
            bench.store.switch(bench.digests["b"])
            withdraw_request(bench.store.folder)
        frames_until(live, lambda: live.report.phase == "idle")
        assert live.active.name == "b"


def test_the_store_is_not_changed_by_a_trial(bench: Bench) -> None:
    live = bench.live()
    bench.ask()
    with Keeper(live, POLL_S):
        frames_until(live, verdict(live))
    assert bench.store.current == bench.digests["a"]


def test_a_model_that_sees_other_faces_fails_in_the_shadow_and_answers_no_frame(bench: Bench) -> None:
    bench.makers["b"] = lambda: Fake("b", box=[100, 100, 120, 120])
    live = bench.live()
    bench.ask()
    with Keeper(live, POLL_S):
        names = frames_until(live, verdict(live))
    assert live.report.phase == "failed"
    assert "wanted agreement with the current model on 80% of faces, found 0%" in live.report.reason
    assert set(names) == {"a"}


def test_a_model_that_is_too_slow_fails_and_answers_no_frame(bench: Bench) -> None:
    bench.makers["b"] = lambda: Fake("b", cost_ns=1600)
    live = bench.live()
    bench.ask()
    with Keeper(live, POLL_S):
        names = frames_until(live, verdict(live))
    assert live.report.phase == "failed"
    assert live.report.reason == "wanted at most 1.5 times the current model's time, found 1.60"
    assert set(names) == {"a"}


def test_a_model_that_breaks_while_in_use_is_replaced_and_no_frame_is_lost(bench: Bench) -> None:
    bench.makers["b"] = lambda: Fake("b", fails_after=8)  # 5 in the shadow, 3 in use
    live = bench.live()
    bench.ask(gates=Gates(frames=5, health_s=60))
    with Keeper(live, POLL_S):
        names = frames_until(live, verdict(live))
        assert (live.report.phase, live.report.reason) == ("failed", "b is broken")
        assert live.active.name == "a"
    assert names.count("b") == 3
    assert names[-1] == "a"


def test_a_model_that_gets_slow_in_use_is_replaced(bench: Bench) -> None:
    class Tiring(Fake):
        def detect(self, frame: Frame) -> Detections:
            self.cost_ns = 1000 if self.calls < 5 else 1600
            return super().detect(frame)

    bench.makers["b"] = lambda: Tiring("b")
    live = bench.live()
    bench.ask()
    with Keeper(live, POLL_S):
        names = frames_until(live, verdict(live))
        assert live.report.phase == "failed"
        assert "b" in names
        assert live.active.name == "a"


def test_a_model_that_cannot_be_loaded_fails_with_the_reason(bench: Bench) -> None:
    def refuse() -> Fake:
        raise ModelError("b: the interpreter refuses it")

    bench.makers["b"] = refuse
    live = bench.live()
    bench.ask()
    with Keeper(live, POLL_S):
        frames_until(live, verdict(live))
    assert (live.report.phase, live.report.reason) == ("failed", "b: the interpreter refuses it")


def test_a_request_that_is_withdrawn_ends_the_trial_and_the_current_model_goes_on(bench: Bench) -> None:
    live = bench.live()
    bench.ask(gates=Gates(frames=5, health_s=60))
    with Keeper(live, POLL_S):
        frames_until(live, lambda: live.active.name == "b")
        withdraw_request(bench.store.folder)
        frames_until(live, lambda: live.active.name == "a")
        frames_until(live, lambda: live.report.phase == "idle")


def test_the_store_is_followed_and_a_model_that_cannot_be_loaded_is_not(bench: Bench) -> None:
    live = bench.live()
    with Keeper(live, POLL_S):
        with bench.store.locked():
            bench.store.switch(bench.digests["b"])
        frames_until(live, lambda: live.active.name == "b")
        bench.digests["c"] = bench.add("c")

        def refuse() -> Fake:
            raise ModelError("c: no")

        bench.makers["c"] = refuse
        with bench.store.locked():
            bench.store.switch(bench.digests["c"])
        time.sleep(5 * POLL_S)
        assert live.active.name == "b"
        with bench.store.locked():
            bench.store.rollback()
            bench.store.switch(None)
        frames_until(live, lambda: live.active.name == "packaged")
        assert live.digest is None


def test_a_current_model_that_cannot_be_loaded_at_the_start_gives_way(bench: Bench) -> None:
    with bench.store.locked():
        bench.store.switch(bench.digests["b"])

    def refuse() -> Fake:
        raise ModelError("b: no")

    bench.makers["b"] = refuse
    live = bench.live()
    assert (live.active.name, live.digest) == ("a", bench.digests["a"])


def test_the_threshold_reaches_every_model(bench: Bench) -> None:
    live = bench.live()
    live.min_score = 0.7
    bench.ask()
    with Keeper(live, POLL_S):
        frames_until(live, verdict(live))
        assert live.active.min_score == 0.7
        live.min_score = 0.3
    assert (live.active.name, live.active.min_score) == ("b", 0.3)


def test_detection_goes_on_while_a_model_is_loaded_and_tried(bench: Bench) -> None:
    loading = threading.Event()

    def slow() -> Fake:
        loading.wait(30)
        return Fake("b")

    bench.makers["b"] = slow
    live = bench.live()
    bench.ask()
    with Keeper(live, POLL_S):
        frames_until(live, lambda: live.report.phase == "loading")
        for number in range(100):
            assert len(live.detect(frame(number))) == 1
        loading.set()
        frames_until(live, verdict(live))
    assert live.report.phase == "passed"


def test_a_service_that_may_not_report_tries_nothing(bench: Bench) -> None:
    bench.report.mkdir()
    live = bench.live()
    bench.ask()
    keeper = Keeper(live, POLL_S)
    keeper.__enter__()
    time.sleep(5 * POLL_S)
    live.stopped.set()
    assert [one.name for one in bench.made] == ["a"]


CRASH = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_store_trial import *
bench = Bench(Path(sys.argv[2]))
class Crashing(Fake):
    def detect(self, frame):
        if self.calls == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().detect(frame)
bench.makers["b"] = lambda: Crashing("b")
live = bench.live()
bench.ask(gates=Gates(frames=5, health_s=60))
with Keeper(live, POLL_S):
    frames_until(live, lambda: False)
"""


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    command = [sys.executable, "-c", CRASH, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, check=False)
    assert done.returncode == -signal.SIGKILL
    return tmp_path


def test_a_model_with_which_the_service_broke_down_is_not_tried_again(crashed: Path) -> None:
    left = read_note(crashed / "model.json", Report)
    assert left is not None
    assert left.phase == "health"
    bench = Bench(crashed)
    live = bench.live()
    with Keeper(live, POLL_S):
        names = frames_until(live, lambda: live.report.phase == "failed")
        time.sleep(5 * POLL_S)
        assert live.report.reason == "the service broke down in phase health"
        assert (live.report.id, live.report.pid) == ("ask-b", os.getpid())
    assert set(names) == {"a"}
    assert {one.name for one in bench.made} == {"a"}
