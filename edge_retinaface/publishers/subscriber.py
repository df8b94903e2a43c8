"""One client of the Unix socket."""

import select
import socket

from edge_retinaface.publishers.line_queue import LineQueue

MAX_LINE = 4096  # bytes of a request
MAX_ANSWERS = 16  # that wait; a client that does not read them is not listened to
CHUNK = 4096  # bytes a read, so that no client holds up the others


class OverlongLineError(Exception):
    """A request of more than MAX_LINE bytes. It is skipped to its end."""


class Subscriber:
    """A connection, what it is still to be sent, and what it has sent so far."""

    def __init__(self, connection: socket.socket, queue: int) -> None:
        connection.settimeout(0)
        self.connection = connection
        self.lines = LineQueue(queue)
        self._received = b""
        self._skips = False  # the rest of an over-long line
        self._ended = False  # it sends no more, but may still read

    @property
    def wants(self) -> tuple[bool, bool]:
        """Whether to come back when it can be read from, and when it can be written to."""
        unread = b"\n" in self._received  # requests that have not had their turn
        reads = not self._ended and not unread and self.lines.answers < MAX_ANSWERS
        return reads, unread or bool(self.lines.head())

    def flush(self) -> None:
        """Send what the connection takes at once. OSError if the client is gone."""
        while head := self.lines.head():
            try:
                size = self.connection.send(head)
            except BlockingIOError:
                return
            self.lines.written(size)

    def receive(self) -> None:
        """Read once. ConnectionError if the client is gone."""
        try:
            chunk = self.connection.recv(CHUNK)
        except BlockingIOError:
            return
        if chunk:
            self._received += chunk
            return
        self._ended = True
        if self._received:
            self._received += b"\n"  # a last line without its line feed
        poll = select.poll()
        poll.register(self.connection, 0)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):  # closed; not just shut down for writing
            raise ConnectionResetError

    def request(self) -> bytes | None:
        """The next whole line that came in; None if there is none, or if too many answers wait. OverlongLineError."""
        if self.lines.answers >= MAX_ANSWERS:
            return None
        line, feed, rest = self._received.partition(b"\n")
        if self._skips:
            self._skips = not feed
            self._received = rest
            return self.request() if feed else None
        if len(line) > MAX_LINE:
            self._skips = not feed
            self._received = rest
            raise OverlongLineError
        if not feed:
            return None
        self._received = rest
        return line
