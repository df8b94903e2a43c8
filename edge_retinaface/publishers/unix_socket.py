"""Detection messages for programs on the same computer, over a Unix socket; and their requests."""

import threading
from collections.abc import Mapping

from edge_retinaface.config import SocketSettings
from edge_retinaface.message import Device, Hello, Reply, encode
from edge_retinaface.publishers.listener import Listener
from edge_retinaface.publishers.protocol import OnCommand, ReadStats
from edge_retinaface.publishers.requests import answer
from edge_retinaface.publishers.socket_server import SocketServer


class SocketPublisher:
    """Newline-delimited JSON for many subscribers; a slow one loses its oldest messages and is told.

    PublishError if there can be no socket.
    """

    name = "socket"

    def __init__(
        self,
        settings: SocketSettings,
        device: Device,
        *,
        on_command: OnCommand,
        stats: ReadStats,
        environ: Mapping[str, str],
    ) -> None:
        self._on_command = on_command
        self._stats = stats
        self._lock = threading.Lock()
        self._states: dict[str, dict[str, str]] = {}  # guarded by _lock
        listener = Listener(settings.path, environ)
        self._server = SocketServer(listener, settings.queue, encode(Hello(hello=device)), self._respond)
        self.counters = self._server.counters
        self.health = self._server.health
        self.close = self._server.close

    def publish(self, camera: str, message: bytes, faces: int) -> None:  # noqa: ARG002 - the message names both
        """Send the message to every subscriber."""
        self._server.post(message)

    def publish_stats(self, stats: bytes) -> None:
        """Nothing: whoever wants them asks, and gets those of that moment."""

    def publish_state(self, camera: str, option: str, value: str) -> None:
        """Keep it for the request `state`."""
        with self._lock:
            self._states.setdefault(camera, {})[option] = value

    def _respond(self, line: bytes) -> Reply:
        with self._lock:
            states = {camera: dict(options) for camera, options in self._states.items()}
        return answer(line, self._on_command, self._stats, states)
