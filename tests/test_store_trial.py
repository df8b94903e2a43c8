"""A model on trial under frames, with detectors whose faces, speed and health the test chooses."""

import threading

from store_bench import POLL_S, Bench, Fake, frame, frames_until, verdict

from edge_retinaface.data import Detections, Frame
from edge_retinaface.errors import ModelError
from edge_retinaface.store.notes import Gates, withdraw_request
from edge_retinaface.store.trial import Keeper


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


def test_a_trial_wants_whole_frames_because_the_other_model_may_be_of_another_size(bench: Bench) -> None:
    live = bench.live()
    assert live.fit_hw == (480, 640)
    bench.ask()
    wanted: set[object] = set()
    with Keeper(live, POLL_S):
        frames_until(live, lambda: wanted.add(live.fit_hw) or verdict(live)())  # type: ignore[func-returns-value]
        assert None in wanted
        frames_until(live, lambda: live.fit_hw == (480, 640))


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
