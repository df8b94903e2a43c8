"""The thread in which faces are found: one detector for all cameras, one frame after the other."""

import threading
import time
from typing import Protocol

from edge_retinaface.cameras import LatestCamera
from edge_retinaface.data import Detections, Frame
from edge_retinaface.detector import Stages
from edge_retinaface.message import Now, encode_message
from edge_retinaface.service.control import Control
from edge_retinaface.service.fanout import Fanout
from edge_retinaface.service.rota import Rota
from edge_retinaface.service.statistics import Statistics

STAGES = ("wait", *(name.removesuffix("_ns") for name in Stages._fields), "encode", "publish")  # in statistics
IDLE_S = 0.5  # how often the thread shows that it lives while no frame comes


class Detector(Protocol):
    """What the service asks of a detector; RetinaFace is one."""

    min_score: float
    max_iou: float

    @property
    def stages(self) -> Stages:
        """Of the latest call, nanoseconds."""

    @property
    def model_name(self) -> str:
        """The name in messages."""

    @property
    def input_hw(self) -> tuple[int, int]:
        """Height and width of the network's input, pixels."""

    @property
    def fit_hw(self) -> tuple[int, int] | None:
        """The `input_hw` for which frames may be scaled ahead; None: it wants to see whole frames."""

    def detect(self, frame: Frame) -> Detections:
        """Faces in a frame."""


class DetectionThread(threading.Thread):
    """Takes the newest frame of the camera whose turn it is, finds faces, hands the message to the publishers."""

    def __init__(
        self, device: str, detector: Detector, rota: Rota, control: Control, fanout: Fanout, statistics: Statistics
    ) -> None:
        super().__init__(name="detection", daemon=True)  # daemon: a hung delegate must not keep the process alive
        self.device = device
        self.detector = detector
        self.failure: BaseException | None = None
        self.beat_ns = time.monotonic_ns()  # when it last began to do something
        self.took_ns = 0  # for its last frame
        self.last_ns: dict[str, int] = {}  # when each camera's last message was published
        self._rota = rota
        self._control = control
        self._fanout = fanout
        self._statistics = statistics
        self._stopping = threading.Event()

    def run(self) -> None:
        """The thread."""
        try:
            while not self._stopping.is_set():
                self.beat_ns = time.monotonic_ns()
                camera = self._rota.wait(IDLE_S)
                frame = None if camera is None else camera.take()
                if camera is not None and frame is not None:
                    self._process(camera, frame)
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            self.failure = error

    def stop(self) -> None:
        """End after the frame in hand."""
        self._stopping.set()
        with self._rota.ready:
            self._rota.ready.notify_all()

    def _process(self, camera: LatestCamera, frame: Frame) -> None:
        taken_ns = time.monotonic_ns()
        detector = self.detector
        detector.min_score = self._control.threshold(camera.name)
        camera.fit_hw = detector.fit_hw  # from its next frame on; one that waits already is scaled here
        detections = detector.detect(frame)
        now = Now.read()
        message = encode_message(
            frame, detections, device=self.device, camera=camera.name, model=detector.model_name, now=now
        )
        encoded_ns = time.monotonic_ns()
        self._fanout.publish(camera.name, message, len(detections))
        done_ns = time.monotonic_ns()
        took_ns = (
            taken_ns - frame.captured_ns,
            *detector.stages,
            encoded_ns - now.monotonic_ns,
            done_ns - encoded_ns,
        )
        self._statistics.add(camera.name, done_ns, done_ns - frame.captured_ns, dict(zip(STAGES, took_ns, strict=True)))
        self.took_ns = done_ns - taken_ns
        self.last_ns[camera.name] = done_ns
