"""How long things take, in memory that never grows."""

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from edge_retinaface.cameras import NS_PER_MS, NS_PER_S
from edge_retinaface.message import Percentiles

WINDOW_S = 60.0
SAMPLES = 4096  # of a window: 68 a second


class Durations:
    """The durations of the last minute, or of the last SAMPLES."""

    def __init__(self) -> None:
        self._at_ns = np.full(SAMPLES, -(2**62), np.int64)
        self._took_ns = np.zeros(SAMPLES, np.int64)
        self._next = 0

    def add(self, at_ns: int, took_ns: int) -> None:
        """Note one; the oldest is forgotten."""
        self._at_ns[self._next] = at_ns
        self._took_ns[self._next] = took_ns
        self._next = (self._next + 1) % SAMPLES

    def recent(self, now_ns: int) -> int:
        """How many there are."""
        return int(self._mask(now_ns).sum())

    def percentiles(self, now_ns: int) -> Percentiles | None:
        """Milliseconds; None without samples."""
        took_ms = self._took_ns[self._mask(now_ns)] / NS_PER_MS
        if not took_ms.size:
            return None
        p50, p95, p99 = np.percentile(took_ms, (50, 95, 99), method="higher")  # a value that was measured
        return Percentiles(
            p50=round(float(p50), 2),
            p95=round(float(p95), 2),
            p99=round(float(p99), 2),
            max=round(float(took_ms.max()), 2),
        )

    def _mask(self, now_ns: int) -> NDArray[np.bool_]:
        return self._at_ns > now_ns - round(WINDOW_S * NS_PER_S)


class Statistics:
    """Ages by camera and durations by stage. Written by the detection thread, read by any."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._lock = threading.Lock()
        self._ages: defaultdict[str, Durations] = defaultdict(Durations)
        self._stages: defaultdict[str, Durations] = defaultdict(Durations)

    def add(self, camera: str, at_ns: int, age_ns: int, stages_ns: Mapping[str, int]) -> None:
        """Note one message: its age when it was handed to the publishers, and what took how long on its way."""
        with self._lock:
            self._ages[camera].add(at_ns, age_ns)
            for stage, took_ns in stages_ns.items():
                self._stages[stage].add(at_ns, took_ns)

    def keep(self, cameras: Collection[str]) -> None:
        """Forget the cameras that are not among these."""
        with self._lock:
            for camera in self._ages.keys() - cameras:
                del self._ages[camera]

    def fps(self, camera: str, now_ns: int) -> float:
        """Messages a second, over the last minute."""
        window_s = min(WINDOW_S, max(1.0, (now_ns - self._start_ns) / NS_PER_S))
        with self._lock:
            ages = self._ages.get(camera)
            return round(ages.recent(now_ns) / window_s, 2) if ages else 0.0

    def age_ms(self, camera: str, now_ns: int) -> Percentiles | None:
        """From capture to the publishers."""
        with self._lock:
            ages = self._ages.get(camera)
            return ages.percentiles(now_ns) if ages else None

    def stages_ms(self, now_ns: int) -> dict[str, Percentiles]:
        """By stage, in the order of a frame's way."""
        with self._lock:
            found = {stage: durations.percentiles(now_ns) for stage, durations in self._stages.items()}
        return {stage: percentiles for stage, percentiles in found.items() if percentiles is not None}
