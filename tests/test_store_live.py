"""A LiveDetector follows the store, and remembers with which model it broke down."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_bench import POLL_S, Bench, Fake, frame, frames_until, verdict

from edge_retinaface.errors import ModelError
from edge_retinaface.store.notes import Report, read_note
from edge_retinaface.store.trial import Keeper


def test_without_a_request_the_current_model_runs_and_the_report_is_idle(bench: Bench) -> None:
    live = bench.live()
    with Keeper(live, POLL_S):
        assert len(live.detect(frame())) == 1
        assert live.active.name == "a"
        assert read_note(bench.report, Report) == Report(pid=os.getpid())
    assert not bench.report.exists()


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
from store_bench import *
from edge_retinaface.store.trial import Keeper
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
