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
from edge_retinaface.store.notes import Gates, Report, Request, read_note, uptime_s, write_request
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
phase = sys.argv[3]
def die():
    os.kill(os.getpid(), signal.SIGKILL)
class Crashing(Fake):
    def detect(self, frame):
        if self.calls == {"shadow": 2, "health": 7}.get(phase):
            die()
        return super().detect(frame)
bench.makers["b"] = die if phase == "loading" else lambda: Crashing("b")
live = bench.live()
bench.ask(gates=Gates(frames=5, health_s=60 if phase == "health" else 0), asker=os.getppid())
with Keeper(live, POLL_S):
    frames_until(live, lambda: live.report.phase == phase == "passed")
    die()
"""


def crash(folder: Path, phase: str) -> None:
    command = [sys.executable, "-c", CRASH, str(Path(__file__).parent), str(folder), phase]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("phase", ["loading", "shadow", "health"])
def test_a_model_with_which_the_service_broke_down_is_not_tried_again(tmp_path: Path, phase: str) -> None:
    crash(tmp_path, phase)
    left = read_note(tmp_path / "model.json", Report)
    assert left is not None
    assert left.phase == phase
    bench = Bench(tmp_path)
    live = bench.live()
    with Keeper(live, POLL_S):
        names = frames_until(live, lambda: live.report.phase == "failed")
        time.sleep(5 * POLL_S)
        assert live.report.reason == f"the service broke down in phase {phase}"
        assert (live.report.id, live.report.pid) == ("ask-b", os.getpid())
    assert set(names) == {"a"}
    assert {one.name for one in bench.made} == {"a"}


def test_a_service_killed_between_verdict_and_switch_starts_with_the_old_model(tmp_path: Path) -> None:
    crash(tmp_path, "passed")
    live = Bench(tmp_path).live()
    assert live.active.name == "a"


@pytest.mark.parametrize("phase", ["shadow", "health"])
def test_a_trial_that_nobody_waits_for_any_more_ends_with_the_old_model(bench: Bench, phase: str) -> None:
    live = bench.live()
    frames = 1_000_000 if phase == "shadow" else 5
    with subprocess.Popen(["sleep", "60"]) as command, Keeper(live, POLL_S):
        bench.ask(gates=Gates(frames=frames, health_s=60), asker=command.pid)
        frames_until(live, lambda: live.report.phase == phase)
        command.kill()
        command.wait()
        frames_until(live, lambda: live.report.phase == "idle")
        assert live.active.name == "a"


def test_a_trial_from_before_the_power_was_cut_is_not_begun_again(bench: Bench) -> None:
    request = Request(id="old", model=bench.digests["b"], asked_s=uptime_s() + 3600)
    write_request(bench.store.folder, request)
    live = bench.live()
    with Keeper(live, POLL_S):
        time.sleep(5 * POLL_S)
        assert live.report.phase == "idle"
    assert {one.name for one in bench.made} == {"a"}
