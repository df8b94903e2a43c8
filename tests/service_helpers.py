"""A detector, configurations and a running service for the tests."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import numpy as np

from edge_retinaface.cameras import LatestCamera, ReplayCamera
from edge_retinaface.config import CameraSettings, Config, ModelSettings, SocketSettings
from edge_retinaface.data import U8, Detections, Frame
from edge_retinaface.detector import Stages
from edge_retinaface.message import DetectionMessage
from edge_retinaface.publishers import MemoryPublisher, OnCommand, Publisher, ReadStats
from edge_retinaface.service import Parts, Service

PICTURE = np.zeros((36, 64, 3), np.uint8)
Pictures = Callable[[], Iterable[U8]]


def endless() -> Iterator[U8]:
    return itertools.repeat(PICTURE)


class FakeDetector:
    """One face in every frame, after `took_s`; notes the thresholds it is asked for. Set `hang` to make it hang."""

    model_name = "fake"
    input_hw = (18, 32)
    fit_hw: tuple[int, int] | None = (18, 32)

    def __init__(self, took_s: float = 0.0) -> None:
        self.took_s = took_s
        self.min_score = self.max_iou = 0.0
        self.stages = Stages(0, 0, 0, 0)
        self.asked: list[float] = []
        self.seen_hw: list[tuple[int, ...]] = []
        self.took_ms: list[float] = []
        self.hang = threading.Event()
        self.go_on = threading.Event()
        self.failure: Exception | None = None

    def detect(self, frame: Frame) -> Detections:
        self.asked.append(self.min_score)
        self.seen_hw.append(frame.pixels.shape[:2])
        if self.failure is not None:
            raise self.failure
        if self.hang.is_set():
            self.go_on.wait(60)
        began = time.perf_counter_ns()
        time.sleep(self.took_s)
        took_ns = time.perf_counter_ns() - began
        self.took_ms.append(took_ns / 1e6)
        self.stages = Stages(0, took_ns, 0, 0)
        height, width = frame.full_hw
        box = np.array([[0, 0, width, height]], np.float32)
        return Detections(box, np.array([0.9], np.float32), np.zeros((1, 5, 2), np.float32))


def config(*names: str, threshold: float = 0.5, max_fps: float = 240.0, device: str = "pi") -> Config:
    """Cameras by name; where they come from is for the maker of cameras."""
    return Config(
        device=device,
        camera=tuple(CameraSettings(name=name, uri=f"file:{name}.mp4", max_fps=max_fps) for name in names),
        model=ModelSettings(threshold=threshold),
        socket=SocketSettings(path=""),
    )


class Bench:
    """A service on a thread, and its parts for the test to pull at."""

    def __init__(
        self,
        first: Config,
        pictures: dict[str, Pictures] | Pictures = endless,
        fps: float = 60.0,
        took_s: float = 0.0,
        publishers: Callable[[Config, OnCommand, ReadStats], Sequence[Publisher]] | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.config: Config | Exception = first  # what the next reading of the configuration gives
        self.detector = FakeDetector(took_s)
        self.memory: list[MemoryPublisher] = []  # one for each time that publishers were opened
        self.cameras: list[LatestCamera] = []
        self.model: object = "model 1"
        self.fail_model: Exception | None = None
        self.raised: BaseException | None = None
        self._pictures = pictures
        self._fps = fps
        self.service = Service(
            self._load,
            environ or {},
            Parts(
                detector=self._detector,
                model_identity=lambda _: self.model,
                camera=self._camera,
                publishers=publishers or self._publishers,
            ),
        )
        self.thread = threading.Thread(target=self._run)

    @property
    def messages(self) -> list[DetectionMessage]:
        """Of all publishers, oldest first."""
        found = [one.message for memory in self.memory for one in memory.messages]
        return [msgspec.json.decode(message, type=DetectionMessage) for message in found]

    def _run(self) -> None:
        try:
            self.service.run()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.raised = error

    def _load(self) -> Config:
        if isinstance(self.config, Exception):
            raise self.config
        return self.config

    def _detector(self, _: ModelSettings) -> FakeDetector:
        if self.fail_model is not None:
            raise self.fail_model
        return self.detector

    def _camera(self, settings: CameraSettings, _: tuple[int, int], ready: threading.Condition) -> LatestCamera:
        pictures = self._pictures[settings.name] if isinstance(self._pictures, dict) else self._pictures
        camera = ReplayCamera(
            settings.name, pictures, fps=self._fps, max_fps=settings.max_fps, ready=ready, retry_s=(0.05, 0.1)
        )
        self.cameras.append(camera)
        return camera

    def _publishers(self, _: Config, on_command: OnCommand, __: ReadStats) -> Sequence[Publisher]:
        self.memory.append(MemoryPublisher(on_command))
        return [self.memory[-1]]


@contextmanager
def running(bench: Bench) -> Iterator[Bench]:
    """The service, stopped at the end."""
    bench.thread.start()
    try:
        yield bench
    finally:
        if bench.thread.is_alive():
            bench.service.stop()
        bench.thread.join(20)
        assert not bench.thread.is_alive()
