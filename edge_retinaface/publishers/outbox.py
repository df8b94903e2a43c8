"""What waits for the broker."""

from collections import deque
from typing import NamedTuple


class Outgoing(NamedTuple):
    """One publication."""

    topic: str
    payload: bytes
    qos: int
    retain: bool = False
    counted: bool = False  # a detection message: what becomes of it is counted


class Outbox:
    """The newest value of every latest-wins topic, and a bounded queue of detection messages: the oldest goes.

    Of one thread, or guarded by its owner.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._retained: dict[str, Outgoing] = {}  # by topic, in the order in which they were first set
        self._latest: dict[str, Outgoing] = {}  # by topic: what the broker has not been told
        self._messages: deque[Outgoing] = deque()
        self.dropped = 0

    def __len__(self) -> int:
        """Detection messages that wait."""
        return len(self._messages)

    @property
    def empty(self) -> bool:
        """Whether nothing waits at all."""
        return not self._messages and not self._latest

    def put(self, message: Outgoing) -> None:
        """Let a detection message wait; the oldest goes if there are too many."""
        self._messages.append(message)
        if len(self._messages) > self._size:
            self._messages.popleft()
            self.dropped += 1

    def put_back(self, outgoing: Outgoing) -> None:
        """Undo a take that came to nothing."""
        if not outgoing.counted:
            self._latest.setdefault(outgoing.topic, outgoing)
        elif len(self._messages) < self._size:
            self._messages.appendleft(outgoing)
        else:
            self.dropped += 1

    def set_latest(self, outgoing: Outgoing) -> bool:
        """Let the newest value of a topic wait in place of an older one. False if the broker has this one already."""
        if outgoing.retain:
            if self._retained.get(outgoing.topic) == outgoing:
                return False
            self._retained[outgoing.topic] = outgoing
        self._latest[outgoing.topic] = outgoing
        return True

    def repeat_retained(self) -> None:
        """Have every retained value told again: the broker may have lost them."""
        self._latest = self._retained | self._latest

    def take(self) -> Outgoing | None:
        """What to publish next: latest values before messages; None if nothing waits."""
        if self._latest:
            return self._latest.pop(next(iter(self._latest)))
        return self._messages.popleft() if self._messages else None

    def clear(self) -> None:
        """Drop what waits."""
        self.dropped += len(self._messages)
        self._messages.clear()
        self._latest.clear()
