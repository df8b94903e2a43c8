"""How the service does, as a message."""

import time
from collections.abc import Callable

from edge_retinaface import __version__
from edge_retinaface.cameras import NS_PER_S
from edge_retinaface.message import CameraStats, Stats, encode, iso_time
from edge_retinaface.service.board import Board
from edge_retinaface.service.fanout import Fanout
from edge_retinaface.service.rota import Rota
from edge_retinaface.service.statistics import Statistics


class Report:
    """Puts a message.Stats together, from any thread."""

    def __init__(
        self, device: str, model: Callable[[], str], rota: Rota, fanout: Fanout, statistics: Statistics
    ) -> None:
        self.device = device
        self._model = model
        self._rota = rota
        self._fanout = fanout
        self._statistics = statistics
        self._board = Board()
        self._start_ns = time.monotonic_ns()

    def encoded(self) -> bytes:
        """This moment as JSON. See publishers.ReadStats."""
        now_ns = time.monotonic_ns()
        return encode(
            Stats(
                device=self.device,
                time=iso_time(time.time_ns()),
                uptime_s=round((now_ns - self._start_ns) / NS_PER_S, 1),
                cameras={
                    camera.name: CameraStats(
                        status=str(camera.state),
                        fps=self._statistics.fps(camera.name, now_ns),
                        frames=camera.counts._asdict(),
                        losses=camera.losses,
                        age_ms=self._statistics.age_ms(camera.name, now_ns),
                    )
                    for camera in self._rota.cameras
                },
                version=__version__,
                model=self._model(),
                stages_ms=self._statistics.stages_ms(now_ns),
                publishers=self._fanout.counters(),
                troubles=self._fanout.troubles(),
                memory_mib=round(self._board.memory_mib(), 1),
                temperature_c=self._board.temperature_c(),
                throttled=self._board.throttled(),
            )
        )
