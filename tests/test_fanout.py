"""Publishers side by side: one that fails harms no other."""

import logging
import time

import pytest

from edge_retinaface.publishers import Command, MemoryPublisher
from edge_retinaface.service.fanout import Fanout

pytestmark = pytest.mark.usefixtures("no_leaks")


class BrokenPublisher(MemoryPublisher):
    """Raises what no publisher should."""

    name = "broken"

    def publish(self, camera: str, message: bytes, faces: int) -> None:
        raise ZeroDivisionError(f"{camera} {len(message)} {faces}")


class StuckPublisher(MemoryPublisher):
    """Does not come back from close."""

    name = "stuck"

    def close(self, timeout_s: float) -> None:
        time.sleep(timeout_s + 1)


def ignore(_: Command) -> str | None:
    return None


def test_a_publisher_that_raises_harms_no_other_and_is_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fanout, well = Fanout(), MemoryPublisher(ignore)
    fanout.replace([BrokenPublisher(ignore), well])
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            fanout.publish("door", b"{}", 0)
    assert len(well.messages) == 3
    assert fanout.counters()["broken"]["raised"] == 3
    assert fanout.counters()["memory"] == {"sent": 3, "dropped": 0, "queued": 0, "raised": 0}
    assert [record.getMessage() for record in caplog.records] == ["publisher broken: ZeroDivisionError: door 2 0"]


def test_closing_waits_for_no_publisher_longer_than_asked_and_closes_the_others() -> None:
    fanout, well = Fanout(), MemoryPublisher(ignore)
    fanout.replace([StuckPublisher(ignore), well])
    assert not fanout.close(0.2)
    assert well.closed
