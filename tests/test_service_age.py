"""How old the messages of a service with replayed cameras are."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from camera_servers import wait_for
from service_helpers import PICTURE, Bench, config, running

from edge_retinaface.data import U8

pytestmark = pytest.mark.usefixtures("no_leaks")


def ages_ms(bench: Bench) -> list[float]:
    return [message.age_ms for message in bench.messages]


class Metronome:
    """A camera that notes when it was asked for its pictures: the machine may be slower than the nominal rate."""

    def __init__(self) -> None:
        self.at_ns: list[int] = []

    def __call__(self) -> Iterator[U8]:
        while True:
            self.at_ns.append(time.monotonic_ns())
            yield PICTURE

    def period_ms(self, fps: float) -> float:
        """The longest that a frame had to be waited for."""
        return max(1000 / fps, float(np.max(np.diff(self.at_ns))) / 1e6)


@pytest.mark.parametrize(("fps", "took_s"), [(60, 0.05), (60, 0.004), (200, 0.02), (20, 0.03)])
def test_no_message_is_older_than_a_frame_period_and_one_and_a_half_inferences_and_20_ms(
    fps: float, took_s: float
) -> None:
    metronome = Metronome()
    with running(Bench(config("door"), metronome, fps=fps, took_s=took_s)) as bench:
        wait_for(lambda: len(bench.detector.asked) > 40)
    bound_ms = metronome.period_ms(fps) + 1.5 * max(bench.detector.took_ms) + 20
    assert np.percentile(ages_ms(bench), 99, method="lower") <= bound_ms


def test_four_cameras_at_one_detector_have_messages_no_older_and_get_equal_shares() -> None:
    metronomes = {name: Metronome() for name in ("a", "b", "c", "d")}
    with running(Bench(config(*metronomes), dict(metronomes), fps=30, took_s=0.02)) as bench:
        wait_for(lambda: len(bench.detector.asked) > 80)
    shares = [sum(message.camera == name for message in bench.messages) for name in metronomes]
    assert max(shares) - min(shares) <= 4
    period_ms = max(metronome.period_ms(30) for metronome in metronomes.values())
    bound_ms = period_ms + 1.5 * max(bench.detector.took_ms) + 20
    assert np.percentile(ages_ms(bench), 99, method="lower") <= bound_ms
