"""A camera's life: it starts, delivers, goes away, hangs, comes back, ends. Made of arrays, with real threads."""

import itertools
import logging
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from camera_servers import take, wait_for

from edge_retinaface.cameras.latest import LEFT_BEHIND
from edge_retinaface.cameras.replay import ReplayCamera
from edge_retinaface.cameras.source import CameraState
from edge_retinaface.data import U8
from edge_retinaface.errors import CameraError

pytestmark = pytest.mark.usefixtures("no_leaks")

FAST = (0.01, 0.02)  # seconds between attempts


def grey(level: int) -> U8:
    return np.full((4, 6, 3), level, np.uint8)


def endless() -> Iterator[U8]:
    return itertools.repeat(grey(1))


def settled_threads(count: int) -> None:
    wait_for(lambda: threading.active_count() <= count)


def test_a_camera_without_pictures_finishes_and_gives_no_frame() -> None:
    with ReplayCamera("door", list) as camera:
        assert list(camera.frames()) == []
        assert camera.state == CameraState("finished")


def test_as_fast_as_the_detector_every_picture_comes_once_and_in_order() -> None:
    with ReplayCamera("door", lambda: [grey(level) for level in range(50)], fps=0) as camera:
        frames = list(camera.frames())
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == list(range(50))
    assert [frame.sequence for frame in frames] == list(range(50))
    assert camera.counts == (50, 50, 0, 0)


def test_a_slow_detector_sees_the_newest_frame_and_the_rest_counts_as_dropped() -> None:
    with ReplayCamera("door", endless, fps=200) as camera:
        frames = camera.frames()
        fresh = 0
        for _ in range(5):
            began_ns = time.monotonic_ns()
            time.sleep(0.05)  # the detector works
            fresh += next(frames).captured_ns > began_ns
    counts = camera.counts
    assert counts.taken == 5
    assert counts.dropped >= 20  # of 10 frames in 50 ms, 9 are lost
    assert counts.made - counts.taken - counts.dropped - counts.skipped in (0, 1)
    assert fresh >= 4  # not the frame from before the detector was busy


def test_a_camera_that_goes_away_says_why_and_comes_back() -> None:
    def pictures() -> Iterator[U8]:
        yield grey(1)
        raise CameraError("door: unplugged")

    with ReplayCamera("door", pictures, fps=100, retry_s=FAST) as camera:
        wait_for(lambda: camera.state == CameraState("away", "door: unplugged"))
        wait_for(lambda: camera.losses >= 3)
        assert camera.counts.made >= 3
        assert str(camera.state) in {"away: door: unplugged", "running"}


def test_sequence_goes_on_counting_across_a_reconnection() -> None:
    def pictures() -> Iterator[U8]:
        yield grey(1)
        yield grey(2)
        raise CameraError("gone")

    with ReplayCamera("door", pictures, fps=0, retry_s=FAST) as camera:
        assert [frame.sequence for frame in take(camera, 6)] == [0, 1, 2, 3, 4, 5]


def test_a_camera_that_is_not_there_is_tried_for_ever_with_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempts: list[int] = []

    def pictures() -> Iterator[U8]:
        attempts.append(1)
        raise CameraError("door: no such device")

    with caplog.at_level(logging.INFO), ReplayCamera("door", pictures, retry_s=FAST) as camera:
        wait_for(lambda: len(attempts) > 10)
        wait_for(lambda: camera.state == CameraState("away", "door: no such device"))
    assert [record.getMessage() for record in caplog.records] == ["camera door: away: door: no such device"]


def test_pauses_between_attempts_double_up_to_the_longest() -> None:
    at_s: list[float] = []

    def pictures() -> Iterator[U8]:
        at_s.append(time.monotonic())
        raise CameraError("gone")

    with ReplayCamera("door", pictures, retry_s=(0.1, 0.4)):
        wait_for(lambda: len(at_s) >= 5)
    pauses = np.diff(at_s)
    assert all(pause >= least for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.4), strict=False))


def test_a_read_that_hangs_is_left_behind_and_replaced_and_puts_nothing_in_when_it_wakes() -> None:
    hang = threading.Event()
    connections = itertools.count()

    def pictures() -> Iterator[U8]:
        if next(connections) == 0:
            yield grey(1)
            hang.wait(30)
            yield grey(66)
        else:
            yield from endless()

    before = threading.active_count()
    with ReplayCamera("door", pictures, fps=100, deadline_s=0.2, retry_s=FAST) as camera:
        wait_for(lambda: camera.state.name == "away")
        assert camera.state.reason.startswith("no answer for 0.")
        wait_for(lambda: camera.state.name == "running")
        hang.set()
        shades = {int(frame.pixels[0, 0, 0]) for frame in take(camera, 30)}
    assert shades == {1}
    settled_threads(before)


def test_reads_that_hang_do_not_pile_up_threads() -> None:
    hang = threading.Event()

    def pictures() -> Iterator[U8]:
        hang.wait(30)
        return endless()

    before = threading.active_count()
    camera = ReplayCamera("door", pictures, fps=100, deadline_s=0.05, retry_s=FAST)
    with camera:
        wait_for(lambda: "waiting for one to return" in camera.state.reason, within_s=20)
        assert threading.active_count() <= before + 1 + LEFT_BEHIND
        hang.set()
        wait_for(lambda: camera.state.name == "running")
    settled_threads(before)


def test_closing_a_camera_that_hangs_takes_no_longer_than_asked_and_says_so() -> None:
    hang = threading.Event()

    def pictures() -> Iterator[U8]:
        hang.wait(30)
        return endless()

    camera = ReplayCamera("door", pictures)
    camera.start()
    began = time.monotonic()
    assert not camera.close(timeout_s=0.3)
    assert time.monotonic() - began < 5
    hang.set()
    assert camera.close()


def test_a_camera_that_was_never_started_can_be_closed() -> None:
    assert ReplayCamera("door", endless).close()


def test_a_paused_camera_stays_connected_and_skips_its_frames() -> None:
    with ReplayCamera("door", endless, fps=200) as camera:
        camera.enabled = False
        wait_for(lambda: camera.counts.skipped > 5)
        wait_for(lambda: camera.state.name == "running")
        assert camera.take() is None
        camera.enabled = True
        assert take(camera, 1)[0].pixels[0, 0, 0] == 1


def test_many_cameras_leave_no_thread_behind() -> None:
    before = threading.active_count()
    for _ in range(20):
        with ReplayCamera("door", endless, fps=500) as camera:
            take(camera, 1)
    settled_threads(before)
