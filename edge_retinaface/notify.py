"""What systemd is told: sd_notify(3) and sd_watchdog_enabled(3), without libsystemd."""

import os
import socket
from collections.abc import Mapping

US = 1_000_000  # microseconds a second


class Notifier:
    """Datagrams to the service manager; silent where there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # @ stands for an abstract name
        self.watchdog_s = _watchdog_s(environ)

    def send(self, *lines: str) -> bool:
        """Send e.g. "READY=1", "STATUS=…". False when nobody listens: never a reason to stop."""
        if not self._address:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, self._address)
            except OSError:
                return False
        return True


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Seconds within which WATCHDOG=1 is expected; None if it is not, or of another process."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()) or not microseconds.isdecimal():
        return None
    return int(microseconds) / US or None
