"""All publishers at once; one that fails harms neither the others nor the detector."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from edge_retinaface.publishers import OK, Publisher

log = logging.getLogger(__name__)


class Fanout:
    """Hands everything to every publisher, and counts what they raise."""

    def __init__(self) -> None:
        self._publishers: tuple[Publisher, ...] = ()
        self._raised: dict[str, int] = {}  # by the publisher's name
        self._trouble: dict[str, str] = {}  # that was logged and is not over

    def replace(self, publishers: Sequence[Publisher]) -> None:
        """Publish to these from now on; closing the old ones is the caller's."""
        self._publishers = tuple(publishers)

    def publish(self, camera: str, message: bytes, faces: int) -> None:
        """As Publisher.publish."""
        self._each(lambda publisher: publisher.publish(camera, message, faces))

    def publish_stats(self, stats: bytes) -> None:
        """As Publisher.publish_stats."""
        self._each(lambda publisher: publisher.publish_stats(stats))

    def publish_state(self, camera: str, option: str, value: str) -> None:
        """As Publisher.publish_state."""
        self._each(lambda publisher: publisher.publish_state(camera, option, value))

    def counters(self) -> dict[str, dict[str, int]]:
        """By the publisher's name; `raised` counts calls that failed against the rules."""
        found: dict[str, dict[str, int]] = {}

        def count(publisher: Publisher) -> None:
            found[publisher.name] = {**publisher.counters(), "raised": self._raised.get(publisher.name, 0)}

        self._each(count)
        return found

    def troubles(self) -> dict[str, str]:
        """What is wrong, by the publisher's name; those that are well are left out."""
        found: dict[str, str] = {}

        def ask(publisher: Publisher) -> None:
            if (health := publisher.health()) != OK:
                found[publisher.name] = health

        self._each(ask)
        return {**self._trouble, **found}

    def close(self, timeout_s: float) -> bool:
        """Let all deliver what waits, side by side; False when one is still at it after `timeout_s`."""
        publishers, self._publishers = self._publishers, ()
        return close_all(publishers, timeout_s)

    def _each(self, call: Callable[[Publisher], None]) -> None:
        for publisher in self._publishers:
            try:
                call(publisher)
            except Exception as error:  # noqa: BLE001 - the border between parts that must not harm each other: counted
                self._failed(publisher.name, error)
            else:
                self._trouble.pop(publisher.name, None)

    def _failed(self, name: str, error: Exception) -> None:
        self._raised[name] = self._raised.get(name, 0) + 1
        trouble = f"{type(error).__name__}: {error}"
        if self._trouble.get(name) != trouble:  # once, not for every frame
            log.error("publisher %s: %s", name, trouble, exc_info=error)
            self._trouble[name] = trouble


def close_all(publishers: Sequence[Publisher], timeout_s: float) -> bool:
    """Close side by side; False when one is not done after `timeout_s` and is left behind."""
    closers = [
        threading.Thread(target=one.close, args=(timeout_s,), name=f"close-{one.name}", daemon=True)
        for one in publishers
    ]
    until = time.monotonic() + timeout_s
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(max(0.1, until - time.monotonic()))
    return not any(closer.is_alive() for closer in closers)
