"""The slot: newest wins, every frame is accounted for, max_fps holds on average."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.cameras.slot import Slot
from edge_retinaface.cameras.source import NS_PER_S, FrameCounts

PIXELS = np.zeros((2, 2, 3), np.uint8)


def make_slot(max_fps: float = 1e9) -> Slot:
    return Slot(max_fps, threading.Condition())


def put(slot: Slot, captured_ns: int = 1) -> None:
    slot.put(PIXELS, "BGR", captured_ns, lambda: False)


def offer(slot: Slot, times_ns: list[int]) -> list[int]:
    """What a detector that is always free takes of frames at these times."""
    taken = []
    for now_ns in times_ns:
        if slot.wanted(now_ns):
            put(slot, now_ns)
            frame = slot.take()
            assert frame is not None
            taken.append(frame.captured_ns)
        else:
            slot.skip()
    return taken


def test_an_empty_slot_gives_nothing() -> None:
    slot = make_slot()
    assert slot.take() is None
    assert slot.counts == FrameCounts(made=0, taken=0, dropped=0, skipped=0)


def test_the_newest_of_three_frames_is_taken_once_and_the_other_two_count_as_dropped() -> None:
    slot = make_slot()
    for captured_ns in (10, 20, 30):
        put(slot, captured_ns)
    frame = slot.take()
    assert frame is not None
    assert (frame.captured_ns, frame.sequence) == (30, 2)
    assert slot.take() is None
    assert slot.counts == FrameCounts(made=3, taken=1, dropped=2, skipped=0)


def test_a_60_fps_camera_gives_15_of_60_frames_when_max_fps_is_15() -> None:
    slot = make_slot(max_fps=15)
    taken = offer(slot, [NS_PER_S + round(number * NS_PER_S / 60) for number in range(600)])
    assert 150 <= len(taken) <= 152  # ten seconds; one of credit at the start
    assert slot.counts == FrameCounts(made=600, taken=len(taken), dropped=0, skipped=600 - len(taken))


@given(st.lists(st.integers(-8_000_000, 8_000_000), min_size=30, max_size=60))
def test_a_camera_that_runs_at_max_fps_with_8_ms_of_jitter_loses_no_frame(jitter_ns: list[int]) -> None:
    times = [NS_PER_S + number * NS_PER_S // 15 + late for number, late in enumerate(jitter_ns)]
    assert offer(make_slot(max_fps=15), times) == times


@given(st.lists(st.integers(1, 200_000_000), min_size=2, max_size=80), st.sampled_from([1.0, 7.5, 15.0, 30.0]))
def test_no_stretch_of_time_holds_more_than_max_fps_and_two_frames(gaps_ns: list[int], max_fps: float) -> None:
    times = list(np.cumsum(gaps_ns) + NS_PER_S)
    taken = offer(make_slot(max_fps=max_fps), [int(time) for time in times])
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= (taken[last] - taken[first]) / NS_PER_S * max_fps + 2 + 1e-6


def test_a_paused_slot_wants_nothing_and_forgets_the_frame_that_waits() -> None:
    slot = make_slot()
    put(slot)
    slot.enabled = False
    assert not slot.wanted(NS_PER_S)
    assert slot.take() is None
    assert slot.counts == FrameCounts(made=1, taken=0, dropped=0, skipped=1)
    slot.enabled = True
    assert slot.wanted(NS_PER_S)


def test_a_higher_max_fps_counts_from_now_and_not_from_the_end_of_the_old_period() -> None:
    slot = make_slot(max_fps=0.01)
    assert len(offer(slot, [NS_PER_S, 2 * NS_PER_S, 3 * NS_PER_S])) == 2
    assert not slot.wanted(4 * NS_PER_S)
    slot.max_fps = 10
    assert slot.wanted(4 * NS_PER_S)


def test_a_reader_that_was_left_behind_puts_nothing_in() -> None:
    slot = make_slot()
    slot.put(PIXELS, "BGR", 1, lambda: True)
    slot.put_when_empty(PIXELS, "BGR", 1, lambda: True)
    assert slot.counts.made == 0


@pytest.mark.parametrize("pause", [False, True])
def test_a_lossless_put_waits_until_the_frame_before_was_taken_and_nothing_is_paused(pause: bool) -> None:
    slot = make_slot()
    put(slot, 1)
    slot.enabled = not pause
    if not pause:
        writer = threading.Thread(target=slot.put_when_empty, args=(PIXELS, "BGR", 2, lambda: False))
        writer.start()
        first = slot.take()
        assert first is not None
        writer.join(5)
    else:
        writer = threading.Thread(target=slot.put_when_empty, args=(PIXELS, "BGR", 2, lambda: False))
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
        slot.enabled = True
        writer.join(5)
    second = slot.take()
    assert second is not None
    assert second.captured_ns == 2
