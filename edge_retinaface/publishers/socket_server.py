"""The thread that serves all clients of the Unix socket."""

import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable

from edge_retinaface.message import Reply, encode
from edge_retinaface.publishers.listener import Listener
from edge_retinaface.publishers.protocol import OK
from edge_retinaface.publishers.requests import refusal
from edge_retinaface.publishers.subscriber import MAX_ANSWERS, MAX_LINE, OverlongLineError, Subscriber

MAX_SUBSCRIBERS = 128
RETRY_S = 1.0  # after a connection that could not be accepted for want of descriptors or memory
log = logging.getLogger(__name__)


class SocketServer:
    """Sends what is posted to all clients, each at its own pace, and has their requests answered.

    `respond` answers a request line; it is called on the server's thread.
    """

    def __init__(self, listener: Listener, queue: int, hello: bytes, respond: Callable[[bytes], Reply]) -> None:
        self._listener = listener
        self._queue = queue
        self._hello = hello
        self._respond = respond
        self._lock = threading.Lock()  # of the five below
        self._inbox: deque[bytes] = deque()
        self._lost = 0  # fell out of the inbox since it was last emptied
        self._subscribers: set[Subscriber] = set()
        self._left = {"sent": 0, "dropped": 0}  # by subscribers that are gone
        self._closing_s: float | None = None  # monotonic; when to give up
        self._retry_s: float | None = None  # monotonic; when to accept again
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._selector.register(listener.socket, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="socket", daemon=True)
        self._thread.start()

    def post(self, message: bytes) -> None:
        """Have the message sent to everyone; returns at once."""
        with self._lock:
            if self._closing_s is not None or not self._subscribers:
                return
            self._inbox.append(message)
            if len(self._inbox) > self._queue:
                self._inbox.popleft()
                self._lost += 1
            os.eventfd_write(self._wake, 1)

    def counters(self) -> dict[str, int]:
        """Subscribers, and over all of them: messages sent, dropped, waiting."""
        with self._lock:
            lines = [subscriber.lines for subscriber in self._subscribers]
            return {
                "subscribers": len(lines),
                "sent": self._left["sent"] + sum(line.sent for line in lines),
                "dropped": self._left["dropped"] + sum(line.dropped for line in lines),
                "queued": len(self._inbox) + sum(len(line) for line in lines),
            }

    def health(self) -> str:
        """OK, or why nobody can connect."""
        if not self._thread.is_alive():
            return "socket: closed"
        return OK if self._retry_s is None else "socket: no new subscribers: too many open files or no memory"

    def close(self, timeout_s: float) -> None:
        """Send what waits, for at most `timeout_s` seconds, then hang up."""
        with self._lock:
            if self._closing_s is not None:
                return
            self._closing_s = time.monotonic() + timeout_s
            os.eventfd_write(self._wake, 1)
        self._thread.join()
        os.close(self._wake)

    def _run(self) -> None:
        while not self._done():
            for key, events in self._selector.select(self._patience_s()):
                if key.data is not None:
                    self._serve(key.data, events)
                elif key.fd == self._wake:
                    os.eventfd_read(self._wake)
                else:
                    self._accept()
            if self._retry_s is not None and time.monotonic() >= self._retry_s:
                self._retry_s = None
                self._selector.register(self._listener.socket, selectors.EVENT_READ)
            self._distribute()
        for subscriber in list(self._subscribers):
            self._part(subscriber)
        self._selector.close()
        self._listener.close()

    def _done(self) -> bool:
        if self._closing_s is None:
            return False
        waiting = self._inbox or any(subscriber.lines.head() for subscriber in self._subscribers)
        return not waiting or time.monotonic() >= self._closing_s

    def _patience_s(self) -> float | None:
        """How long to wait for events, seconds; None for ever."""
        ends = [end for end in (self._closing_s, self._retry_s) if end is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):  # it went away again
            return
        except OSError as error:
            log.warning("socket: wanted to accept a subscriber, found: %s", error.strerror)
            self._selector.unregister(self._listener.socket)  # else it would be reported again at once
            self._retry_s = time.monotonic() + RETRY_S
            return
        subscriber = Subscriber(connection, self._queue)
        self._selector.register(connection, selectors.EVENT_READ, subscriber)
        with self._lock:
            self._subscribers.add(subscriber)
        if len(self._subscribers) > MAX_SUBSCRIBERS:
            subscriber.lines.answer(encode(refusal(f"wanted at most {MAX_SUBSCRIBERS} subscribers, found one more")))
            self._serve(subscriber, 0)
            self._part(subscriber)
        else:
            subscriber.lines.answer(self._hello)
            self._serve(subscriber, 0)

    def _distribute(self) -> None:
        """Hand the inbox out."""
        with self._lock:
            messages, self._inbox = self._inbox, deque()
            lost, self._lost = self._lost, 0
        if not messages:
            return
        for subscriber in list(self._subscribers):
            if lost:
                subscriber.lines.lose(lost)
            for message in messages:
                subscriber.lines.put(message)
            self._serve(subscriber, 0)

    def _serve(self, subscriber: Subscriber, events: int) -> None:
        """Read and write what can be without waiting; part with the subscriber if it is gone."""
        try:
            if events & selectors.EVENT_READ:
                subscriber.receive()
            subscriber.flush()
            for _ in range(MAX_ANSWERS):  # no more in one go: the others have their turn
                if not self._answer(subscriber):
                    break
                subscriber.flush()
        except OSError:
            self._part(subscriber)
            return
        reads, writes = subscriber.wants
        self._watch(subscriber, selectors.EVENT_READ * reads | selectors.EVENT_WRITE * writes)

    def _answer(self, subscriber: Subscriber) -> bool:
        """Answer one request; False if there is none."""
        try:
            line = subscriber.request()
        except OverlongLineError:
            reply = refusal(f"wanted at most {MAX_LINE} bytes a line, found more")
        else:
            if line is None:
                return False
            reply = self._respond(line)
        subscriber.lines.answer(encode(reply))
        return True

    def _watch(self, subscriber: Subscriber, events: int) -> None:
        known = self._selector.get_map().get(subscriber.connection)
        if known is None:
            if events:
                self._selector.register(subscriber.connection, events, subscriber)
        elif not events:  # it listens but says nothing more: the next message tells whether it is there
            self._selector.unregister(subscriber.connection)
        elif known.events != events:
            self._selector.modify(subscriber.connection, events, subscriber)

    def _part(self, subscriber: Subscriber) -> None:
        if subscriber not in self._subscribers:
            return
        self._watch(subscriber, 0)
        subscriber.connection.close()
        subscriber.lines.abandon()
        with self._lock:
            self._subscribers.remove(subscriber)
            self._left["sent"] += subscriber.lines.sent
            self._left["dropped"] += subscriber.lines.dropped
