"""A publisher that keeps everything: for tests, and for programs that use the service as a library."""

from typing import NamedTuple

from edge_retinaface.publishers.protocol import OK, Command, OnCommand


class Published(NamedTuple):
    """One detection message as it was published."""

    camera: str
    message: bytes
    faces: int


class MemoryPublisher:
    """Keeps what is published in lists, unbounded; `command` plays somebody who sends a command."""

    name = "memory"

    def __init__(self, on_command: OnCommand) -> None:
        self._on_command = on_command
        self.messages: list[Published] = []
        self.stats: list[bytes] = []
        self.states: dict[tuple[str, str], str] = {}  # (camera, option) → value
        self.closed = False

    def command(self, camera: str, option: str, value: str) -> str | None:
        """What the service says to the command: None, or what is wrong with it."""
        return self._on_command(Command(camera, option, value))

    def publish(self, camera: str, message: bytes, faces: int) -> None:
        """Keep it in `messages`."""
        self.messages.append(Published(camera, message, faces))

    def publish_stats(self, stats: bytes) -> None:
        """Keep it in `stats`."""
        self.stats.append(stats)

    def publish_state(self, camera: str, option: str, value: str) -> None:
        """Keep it in `states`."""
        self.states[camera, option] = value

    def counters(self) -> dict[str, int]:
        """How many messages were kept."""
        return {"sent": len(self.messages), "dropped": 0, "queued": 0}

    def health(self) -> str:
        """Always OK."""
        return OK

    def close(self, timeout_s: float) -> None:  # noqa: ARG002 - nothing waits
        """Set `closed`."""
        self.closed = True
