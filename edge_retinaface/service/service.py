"""The service: builds the assembly, looks after it in rounds, changes it on SIGHUP, takes it down on SIGTERM."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from edge_retinaface.cameras import NS_PER_S
from edge_retinaface.config import Config
from edge_retinaface.errors import EdgeRetinaFaceError
from edge_retinaface.notify import Notifier
from edge_retinaface.service.assembly import Assembly
from edge_retinaface.service.health import Health
from edge_retinaface.service.parts import Parts
from edge_retinaface.service.wakeup import RELOAD, STOP, Wakeup, stops

log = logging.getLogger(__name__)

ROUND_S = 0.5
STATS_S = 60.0


class Service:
    """Runs until it is told to stop or its files have come to their end.

    `load` reads the configuration, again for each SIGHUP. ConfigError, ModelError, DelegateError or PublishError when
    it cannot be; what the detector raises ends the service too, for systemd starts it again.
    """

    def __init__(self, load: Callable[[], Config], environ: Mapping[str, str], parts: Parts | None = None) -> None:
        self.left_behind = False  # something hung and could not be stopped: only the end of the process ends it
        self._load = load
        self._wakeup = Wakeup()
        self._health = Health(Notifier(environ))
        self._assembly = Assembly(load(), parts or Parts())

    def stop(self) -> None:
        """As SIGTERM; from any thread."""
        self._wakeup.send(STOP)

    def reload(self) -> None:
        """As SIGHUP; from any thread."""
        self._wakeup.send(RELOAD)

    def signals(self) -> AbstractContextManager[None]:
        """While it is entered, SIGTERM and SIGINT stop the service and SIGHUP reloads. In the main thread only."""
        return self._wakeup.catching()

    def run(self) -> None:
        """Until the end."""
        try:
            self._assembly.start()
            self._rounds()
            self._health.stopping()
        finally:
            self.left_behind = not self._assembly.close()
            self._wakeup.close()
        if self._assembly.worker.failure is not None:
            raise self._assembly.worker.failure

    def _rounds(self) -> None:
        assembly = self._assembly
        stats_ns = time.monotonic_ns()
        while assembly.worker.is_alive():
            numbers = self._wakeup.wait(ROUND_S)
            if stops(numbers) or assembly.finished:
                return
            if RELOAD in numbers:
                self._reload()
            now_ns = time.monotonic_ns()
            assembly.publish_states()
            self._health.round(assembly.rota.cameras, assembly.worker, assembly.fanout.troubles(), now_ns)
            if now_ns - stats_ns >= STATS_S * NS_PER_S:
                stats_ns = now_ns
                assembly.publish_stats()

    def _reload(self) -> None:
        self._health.reloading(time.monotonic_ns())
        try:
            self._assembly.apply(self._load())
        except EdgeRetinaFaceError as error:
            log.error("configuration not changed: %s", error)  # noqa: TRY400 - one line for a user's mistake
        else:
            log.info("configuration read again")
        finally:
            self._health.reloaded()
