"""What systemd is told: ready, alive, and what goes on. A service that hangs is not called alive."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from edge_retinaface.cameras import NS_PER_S, LatestCamera
from edge_retinaface.notify import Notifier

log = logging.getLogger(__name__)

QUIET_S = 10.0  # a running camera whose frames do not come out for longer, or a detector at one frame for longer, hangs
STARTING_S = 60.0  # a camera that does not even fail for longer hangs


class Worker(Protocol):
    """What is watched: the detection thread."""

    beat_ns: int  # when it last began something
    took_ns: int  # for its last frame
    last_ns: dict[str, int]  # when each camera's last message was published


class Progress:
    """Whether frames advance, camera by camera."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[object, int]] = {}  # what each camera does, and since when

    def stuck(self, cameras: Sequence[LatestCamera], worker: Worker, now_ns: int) -> str | None:
        """What hangs; None while each camera's frames advance, or it is known why they do not."""
        if (quiet_s := (now_ns - worker.beat_ns) / NS_PER_S) > QUIET_S:
            return f"the detector has been at one frame for {quiet_s:.0f} s"
        round_s = len(cameras) * worker.took_ns / NS_PER_S
        for camera in cameras:
            doing = (camera.state.name, camera.enabled, camera.max_fps)
            if self._since.get(camera.name, ((), 0))[0] != doing:
                self._since[camera.name] = (doing, now_ns)
            since_ns = max(self._since[camera.name][1], worker.last_ns.get(camera.name, 0))
            quiet_s = (now_ns - since_ns) / NS_PER_S
            if not camera.kept:
                return f"camera {camera.name}: its thread has ended"
            if camera.state.name == "starting" and quiet_s > STARTING_S:
                return f"camera {camera.name}: starting for {quiet_s:.0f} s"
            wanted = camera.state.name == "running" and camera.enabled
            if wanted and quiet_s > QUIET_S + 2 / camera.max_fps + 2 * round_s:
                return f"camera {camera.name}: running, but no frame for {quiet_s:.0f} s"
        return None


class Health:
    """Speaks to systemd, once a round of the main thread."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._progress = Progress()
        self._ready = False
        self._status = ""
        self._stuck: str | None = None
        self._fed_ns = 0  # when the watchdog last heard of us

    def round(self, cameras: Sequence[LatestCamera], worker: Worker, troubles: Mapping[str, str], now_ns: int) -> None:
        """Tell what has changed, and that the service lives if it does."""
        lines = []
        status = status_line(cameras, troubles)
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={status}")
        if not self._ready and (reason := ready_because(cameras, worker)):
            self._ready = True
            log.info("ready: %s", reason)
            lines.append("READY=1")
        stuck = self._progress.stuck(cameras, worker, now_ns)
        if stuck != self._stuck and stuck is not None and self._stuck is None:
            log.error("%s; systemd's watchdog is not told any more that all is well", stuck)
        self._stuck = stuck
        if stuck is None and self._due(now_ns):
            self._fed_ns = now_ns
            lines.append("WATCHDOG=1")
        if lines:
            self._notifier.send(*lines)

    def reloading(self, now_ns: int) -> None:
        """Before a reload."""
        self._notifier.send("RELOADING=1", f"MONOTONIC_USEC={now_ns // 1000}")

    def reloaded(self) -> None:
        """After it, whether it worked or not: the service runs."""
        self._notifier.send("READY=1")

    def stopping(self) -> None:
        """From now on no message comes."""
        self._notifier.send("STOPPING=1", "STATUS=stopping")

    def _due(self, now_ns: int) -> bool:
        interval_s = self._notifier.watchdog_s
        return interval_s is not None and now_ns - self._fed_ns >= interval_s / 2 * NS_PER_S


def ready_because(cameras: Sequence[LatestCamera], worker: Worker) -> str | None:
    """Why the service counts as started; None as long as it does not."""
    if worker.last_ns:
        return f"the first frame of {next(iter(worker.last_ns))} was published"
    for camera in cameras:
        if camera.state.name in {"away", "finished"}:
            return f"{camera.name} is {camera.state}"
    return None


def status_line(cameras: Sequence[LatestCamera], troubles: Mapping[str, str]) -> str:
    """One line: what each camera does, and which publishers are in trouble."""
    shown = [f"{one.name}: {one.state if one.enabled else 'paused'}" for one in cameras]
    return "; ".join([*shown, *(f"{name}: {trouble}" for name, trouble in troubles.items())]).replace("\n", " ")
