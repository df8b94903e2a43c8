"""Signals and other threads wake the main thread, which otherwise sleeps between its rounds."""

import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

STOP, RELOAD = signal.SIGTERM, signal.SIGHUP


class Wakeup:
    """Collects signals by number. A byte on a socket, because a handler may not take locks."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair(type=socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def send(self, number: signal.Signals) -> None:
        """As if the signal had come; from any thread."""
        self._sender.send(bytes([number]))

    def wait(self, timeout_s: float) -> set[int]:
        """The signals that came, at the latest after `timeout_s`."""
        if not select.select([self._receiver], [], [], timeout_s)[0]:
            return set()
        return set(self._receiver.recv(256))

    def close(self) -> None:
        """Give the sockets back."""
        self._receiver.close()
        self._sender.close()

    @contextmanager
    def catching(self) -> Iterator[None]:
        """SIGTERM and SIGINT as STOP, SIGHUP as RELOAD. In the main thread only, as Python has it."""
        # Python's C handler writes the number; any thread may be the one that the kernel interrupts
        before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        handlers = {
            number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)


def stops(numbers: set[int]) -> bool:
    """Whether one of the signals means to stop."""
    return bool(numbers & {STOP, signal.SIGINT})
