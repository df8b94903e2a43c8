"""What every publisher is, and how commands come back through it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

OK = "ok"  # what health() says when there is nothing to say
ON, OFF = "ON", "OFF"  # values of the option `enabled`


@dataclass(frozen=True, slots=True)
class Command:
    """Somebody wants an option changed. The values are text as it came in; the service checks them."""

    camera: str  # "" for all cameras
    option: str  # enabled (ON, OFF), threshold, max_fps …
    value: str


# what is wrong with the command, None if nothing; called on a publisher's thread, returns at once, raises nothing
OnCommand = Callable[[Command], str | None]

# a message.Stats of this moment as JSON; called on a publisher's thread, returns at once, raises nothing
ReadStats = Callable[[], bytes]


class Publisher(Protocol):
    """Takes messages off the detector's hands. Nothing here blocks or raises for trouble with the transport.

    What cannot be delivered is counted; `counters` and `health` tell.
    """

    name: str

    def publish(self, camera: str, message: bytes, faces: int) -> None:
        """Send a detection message of `camera`, in which there are `faces` faces."""

    def publish_stats(self, stats: bytes) -> None:
        """Send statistics."""

    def publish_state(self, camera: str, option: str, value: str) -> None:
        """Make known that `option` of `camera` is now `value`; whoever comes later learns it as well."""

    def counters(self) -> dict[str, int]:
        """Detection messages by what became of them, and the lengths of queues."""

    def health(self) -> str:
        """OK, or one line that says what is wrong."""

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, for at most `timeout_s` seconds, then give everything back."""
