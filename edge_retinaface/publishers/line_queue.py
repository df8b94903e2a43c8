"""Lines that wait for a slow reader."""

from collections import deque

from edge_retinaface.message import Dropped, encode


class LineQueue:
    """A bounded queue of JSON lines. When it is full the oldest goes, and the reader is told how many went.

    Of one thread, or guarded by its owner.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._messages: deque[bytes] = deque()
        self._answers: deque[bytes] = deque()
        self._rest = memoryview(b"")  # of the line that is being written
        self._is_message = False  # that line
        self._missing = 0  # dropped, and the reader does not know yet
        self.sent = 0  # messages that were written to their end
        self.dropped = 0

    def __len__(self) -> int:
        """Messages that wait, the one half written among them."""
        return len(self._messages) + bool(self._rest and self._is_message)

    @property
    def answers(self) -> int:
        """Answers that wait."""
        return len(self._answers)

    def put(self, message: bytes) -> None:
        """Let a message wait; the oldest goes if there are too many."""
        self._messages.append(message)
        if len(self._messages) > self._size:
            self._messages.popleft()
            self.lose(1)

    def answer(self, line: bytes) -> None:
        """Let a line wait that is never dropped and overtakes the messages. Its owner keeps these few."""
        self._answers.append(line)

    def lose(self, messages: int) -> None:
        """Count messages that were dropped before they came here."""
        self._missing += messages
        self.dropped += messages

    def abandon(self) -> None:
        """Drop all that waits: the reader is gone."""
        self.dropped += len(self)
        self._messages.clear()
        self._answers.clear()
        self._rest = memoryview(b"")

    def head(self) -> memoryview:
        """What to write next; empty if there is nothing."""
        if not self._rest:
            self._is_message = False
            if self._answers:
                line = self._answers.popleft()
            elif self._missing:  # told where the messages are missing: before the oldest that is left
                line, self._missing = encode(Dropped(dropped=self._missing)), 0
            elif self._messages:
                line, self._is_message = self._messages.popleft(), True
            else:
                return self._rest
            self._rest = memoryview(line + b"\n")
        return self._rest

    def written(self, size: int) -> None:
        """The first `size` bytes of the head are with the reader."""
        self._rest = self._rest[size:]
        if not self._rest and self._is_message:
            self.sent += 1
