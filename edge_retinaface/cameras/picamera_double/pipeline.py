"""The Picamera2 double's inside: frames fall into buffers, and jobs wait for them."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any

import numpy as np

from edge_retinaface.cameras.picamera_double.formats import write_picture
from edge_retinaface.cameras.picamera_double.requests import Buffers, CompletedRequest
from edge_retinaface.cameras.source import NS_PER_S
from edge_retinaface.data import U8

GARBAGE = 0xA5  # in memory that the camera does not write
Job = Callable[[], CompletedRequest]


class Sensor:
    """The test's hand on the double: what the camera sees, how fast, and whether its cable is in."""

    def __init__(self, scene: U8, fps: float = 30.0) -> None:
        self.scene = scene  # uint8 (height, width, 3) RGB
        self.fps = fps
        self.plugged = True
        self.made = 0  # frames in buffers
        self.lost = 0  # frames for which no buffer was free
        self.opened: set[int] = set()  # cameras by number


class Pipeline:
    """Fills buffers while it runs. The newest complete frame is kept, as Picamera2 does with queue=True."""

    def __init__(self, sensor: Sensor, config: dict[str, Any], frame_ns: int) -> None:
        self.camera_config = config
        self.frame_ns = frame_ns
        self._sensor = sensor
        self._memory: Buffers = {
            name: np.full(config[name]["framesize"], GARBAGE, np.uint8)
            for name in ("main", "lores")
            if config[name] is not None
        }
        self._shown: U8 | None = None  # the scene in _memory
        self._free: list[Buffers] = [
            {name: memory.copy() for name, memory in self._memory.items()} for _ in range(config["buffer_count"])
        ]
        self._kept = 1 if config["queue"] and config["buffer_count"] > 1 else 0
        self._completed: list[CompletedRequest] = []
        self._jobs: list[tuple[Job, Future[CompletedRequest]]] = []
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="picamera-double", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more frames. As the real one, it waits behind a job that waits for a frame."""
        while self._jobs:
            self._stopping.wait(0.01)
        self._stopping.set()
        self._thread.join()
        while self._completed:
            self._completed.pop().release()

    def cancel(self) -> None:
        """Forget the jobs that wait for a frame."""
        with self._lock:
            for _, future in self._jobs:
                future.set_exception(CancelledError())
            self._jobs = []

    def next_request(self, wait_s: float | None) -> CompletedRequest:
        """TimeoutError after `wait_s`; the job stays, and will take a frame that nobody releases."""
        future: Future[CompletedRequest] = Future()
        with self._lock:
            self._jobs.append((lambda: self._completed.pop(0), future))
            self._work()
        return future.result(timeout=wait_s)

    def recycle(self, buffers: Buffers) -> None:
        """A buffer that may be filled again."""
        self._free.append(buffers)

    def _work(self) -> None:
        while self._jobs and self._completed:
            job, future = self._jobs.pop(0)
            future.set_result(job())

    def _run(self) -> None:
        while not self._stopping.wait(self.frame_ns / NS_PER_S):
            if self._sensor.plugged:
                with self._lock:
                    self._expose()

    def _expose(self) -> None:
        if not self._free:
            self._sensor.lost += 1
            return
        buffers = self._free.pop(0)
        if self._shown is not self._sensor.scene:
            self._render(self._sensor.scene)
        for name, buffer in buffers.items():
            buffer[:] = self._memory[name]
        self._sensor.made += 1
        self._completed.append(CompletedRequest(buffers, self))
        self._work()
        while len(self._completed) > self._kept:
            self._completed.pop(0).release()

    def _render(self, scene: U8) -> None:
        transform = self.camera_config["transform"]
        upright = np.ascontiguousarray(scene[:: -1 if transform.vflip else 1, :: -1 if transform.hflip else 1])
        for name, memory in self._memory.items():
            write_picture(upright, self.camera_config[name], memory)
        self._shown = scene
