"""Capture times of a network stream, with clocks set by hand. The camera makes a frame every 100 ms."""

import pytest

from edge_retinaface.cameras.stream_clock import StreamClock

MS = 1_000_000


class Stream:
    """A camera of 10 frames a second behind a network; times in ms."""

    def __init__(self, window: int = 16) -> None:
        self.wall = self.cpu = 0
        self.frames = 0
        self.clock = StreamClock(window, lambda: self.wall * MS, lambda: self.cpu * MS)

    def read(self, waits: int = 0, decodes: int = 1) -> int | None:
        """How old the clock takes the next frame to be when it is read."""
        with self.clock:
            self.wall += waits + decodes
            self.cpu += decodes
        captured_ns = self.clock.captured_ns(self.frames * 100 * MS)
        self.frames += 1
        return None if captured_ns is None else self.wall - captured_ns // MS


def test_what_piled_up_while_the_stream_was_opened_is_not_taken_for_new() -> None:
    stream = Stream()
    assert [stream.read() for _ in range(20)] == [None] * 20
    assert [stream.read(waits=99) for _ in range(3)] == [None, 0, 0]


def test_a_read_that_was_only_preempted_in_the_backlog_does_not_make_its_frame_new() -> None:
    stream = Stream()
    assert [stream.read(waits=20) for _ in range(20)] == [None] * 20


def test_frames_that_come_at_once_after_a_second_of_silence_are_as_old_as_they_are() -> None:
    stream = Stream()
    for _ in range(3):
        stream.read(waits=99)
    ages = [stream.read(waits=999), *(stream.read() for _ in range(9)), stream.read(waits=90)]
    assert ages == [900, 801, 702, 603, 504, 405, 306, 207, 108, 9, 0]


def test_a_board_that_decodes_slower_than_the_camera_sends_falls_behind_and_knows_it() -> None:
    stream = Stream()
    for _ in range(3):
        stream.read(waits=99)
    ages = [stream.read(decodes=150) for _ in range(10)]
    assert ages == [50 * count for count in range(1, 11)]
    captured_ns = stream.clock.captured_ns((stream.frames - 1) * 100 * MS)
    assert captured_ns is not None
    assert stream.clock.behind_s(captured_ns) == pytest.approx(0.5)


def test_time_stamps_that_are_no_clock_put_nothing_behind_with_a_window_of_one() -> None:
    stream = Stream(window=1)
    ages = [stream.read(waits=199) for _ in range(50)]  # it says 100 ms and means 200
    assert ages[0] is None
    assert set(ages[1:]) == {0}


def test_a_stream_that_got_slower_for_good_is_forgiven_after_16_frames() -> None:
    stream = Stream()
    for _ in range(3):
        stream.read(waits=99)
    ages = [stream.read(waits=599), *(stream.read(waits=99) for _ in range(16))]
    assert ages == [500] * 15 + [0, 0]


def test_no_frame_is_from_the_future() -> None:
    stream = Stream()
    for _ in range(3):
        stream.read(waits=99)
    assert [stream.read() for _ in range(5)] == [0] * 5
