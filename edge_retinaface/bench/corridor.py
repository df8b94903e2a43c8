"""One frame after the other through everything the service does with it, each stage timed."""

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import monotonic_ns, perf_counter_ns, process_time_ns

import cv2
import numpy as np

from edge_retinaface.bench.records import MS_PER_NS, Times
from edge_retinaface.config import SocketSettings
from edge_retinaface.data import U8, Frame
from edge_retinaface.detector import RetinaFace
from edge_retinaface.media import Medium, read_medium
from edge_retinaface.message import Device, Now, encode_message
from edge_retinaface.publishers import SocketPublisher

WHOLE = "end to end"
STAGES = ("capture", "letterbox", "invoke", "decode", "nms", "encode", "publish")
BLOCK = 10  # rounds whose median is one value when runs are compared
PERCENTILES = (50, 95, 99)

Series = dict[str, list[int]]  # nanoseconds a round, by stage


def frames(medium: Medium) -> Iterator[U8]:
    """The pictures of a file, from the first again after the last; a picture is read once only."""
    if medium.is_video:
        while True:
            yield from read_medium(medium)
    pictures = list(read_medium(medium))
    while True:
        yield from pictures


class Corridor:
    """What a round needs: where frames come from, a detector, and a publisher with one subscriber."""

    def __init__(self, medium: Medium, publisher: SocketPublisher) -> None:
        self._frames = frames(medium)
        self._publisher = publisher
        self._numbers = count()
        self.frame_hw = (0, 0)
        self.faces: list[int] = []

    def round(self, detector: RetinaFace, series: Series) -> int:
        """Take one frame through it and add to `series`; the nanoseconds of the whole."""
        start = perf_counter_ns()
        pixels = next(self._frames)
        captured = perf_counter_ns()
        frame = Frame(pixels, "BGR", next(self._numbers), monotonic_ns())
        before, busy = perf_counter_ns(), process_time_ns()
        detections = detector.detect(frame)
        detected, busy = perf_counter_ns(), process_time_ns() - busy
        message = encode_message(
            frame, detections, device="bench", camera="bench", model=detector.model_name, now=Now.read()
        )
        encoded = perf_counter_ns()
        self._publisher.publish("bench", message, len(detections))
        end = perf_counter_ns()
        inner = detector.stages
        durations = (captured - start, *inner, encoded - detected, end - encoded)
        for stage, duration in zip(STAGES, durations, strict=True):
            series.setdefault(stage, []).append(duration)
        series.setdefault(WHOLE, []).append(end - start)
        series.setdefault("detect", []).append(detected - before)
        series.setdefault("detect busy", []).append(busy)
        self.frame_hw = (pixels.shape[0], pixels.shape[1])
        self.faces.append(len(detections))
        return end - start


class Yardstick:
    """A fixed piece of work, measured beside every round: what else slows the machine slows it as well."""

    def __init__(self) -> None:
        self._picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
        self._out = np.empty_like(self._picture)

    def measure(self, series: Series) -> None:
        """Add the nanoseconds of one piece to `series`, by the clock and of the processor."""
        start, busy = perf_counter_ns(), process_time_ns()
        cv2.GaussianBlur(self._picture, (7, 7), 2, dst=self._out)
        series.setdefault("yardstick", []).append(perf_counter_ns() - start)
        series.setdefault("yardstick busy", []).append(process_time_ns() - busy)


@contextmanager
def subscribed_publisher() -> Iterator[SocketPublisher]:
    """A Unix socket publisher in a folder of its own, and one subscriber that reads everything."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "bench.sock")
        publisher = SocketPublisher(
            SocketSettings(path=path),
            Device(device="bench", version=""),
            on_command=lambda _: None,
            stats=lambda: b"{}",
            environ=os.environ,
        )
        with socket.socket(socket.AF_UNIX) as subscriber:
            subscriber.connect(path)
            reader = threading.Thread(target=_read_all, args=(subscriber,), daemon=True)
            reader.start()
            try:
                yield publisher
            finally:
                publisher.close(1)
                reader.join(2)


def _read_all(subscriber: socket.socket) -> None:
    while subscriber.recv(65536):
        pass


def times(series: Series) -> dict[str, Times]:
    """Percentiles of every stage, in the order of the corridor."""
    return {
        stage: Times(
            **{f"p{share}": round(float(np.percentile(series[stage], share)) * MS_PER_NS, 4) for share in PERCENTILES}
        )
        for stage in (*STAGES, WHOLE)
    }


def blocks(series: Series, *, waits: bool) -> tuple[float, ...]:
    """Medians of detection over yardstick, a block of rounds each; capture is left out: it is the file's, not ours.

    Of processor time, which other programs do not add to; by the clock if detection `waits` for an accelerator.
    """
    kind = "" if waits else " busy"
    ratios = np.array(series[f"detect{kind}"]) / np.array(series[f"yardstick{kind}"])
    return tuple(float(np.median(ratios[at : at + BLOCK])) for at in range(0, len(ratios) - BLOCK + 1, BLOCK))
