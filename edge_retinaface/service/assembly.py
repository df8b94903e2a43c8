"""What runs for a configuration: cameras, detector, publishers. Built, changed while running, taken down."""

import threading
import time
from collections.abc import Iterable

from edge_retinaface.cameras import LatestCamera
from edge_retinaface.config import CameraSettings, Config
from edge_retinaface.errors import EdgeRetinaFaceError
from edge_retinaface.service.control import Control
from edge_retinaface.service.detection import DetectionThread, Detector
from edge_retinaface.service.fanout import Fanout
from edge_retinaface.service.parts import Parts, StoredDetector
from edge_retinaface.service.report import Report
from edge_retinaface.service.rota import Rota
from edge_retinaface.service.statistics import Statistics

# of the 5 s in which a stop has to be over
FRAME_S = 2.0  # for the frame in hand
DELIVER_S = 1.5  # for what waits in the publishers
CAMERAS_S = 1.0


class Assembly:
    """Everything with a lifetime. `start` and `apply` raise EdgeRetinaFaceErrors for a configuration that cannot be."""

    def __init__(self, config: Config, parts: Parts) -> None:
        self.config = config
        self.fanout = Fanout()
        self.rota = Rota(threading.Condition())
        self._parts = parts
        self._control = Control(self.fanout.publish_state)
        self._statistics = Statistics(time.monotonic_ns())
        self._report = Report(
            config.device, lambda: self.worker.detector.model_name, self.rota, self.fanout, self._statistics
        )
        self._settings: dict[
            str, tuple[CameraSettings, tuple[int, int]]
        ] = {}  # of the running cameras, and the model's input
        self._states: dict[str, str] = {}  # as last published
        self._identity = parts.model_identity(config.model)
        self.worker = DetectionThread(
            config.device, parts.detector(config.model), self.rota, self._control, self.fanout, self._statistics
        )

    def start(self) -> None:
        """Publishers first: a mistake there ends the service before it has begun."""
        self._open_publishers(self.config)
        self._set_cameras(self.config)
        self.worker.start()

    def apply(self, config: Config) -> None:
        """Run on `config`; when it cannot be, nothing has changed but that the publishers may have reconnected."""
        identity = self._parts.model_identity(config.model)
        detector: Detector | None = None
        if identity != self._identity:
            detector = self._parts.detector(config.model)
        if _publishing(config) != _publishing(self.config):
            self.fanout.close(DELIVER_S)
            try:
                self._open_publishers(config)
            except EdgeRetinaFaceError as error:
                self._reopen_publishers(error)
                raise
        if detector is not None:
            _release(self.worker.detector)
            self.worker.detector, self._identity = detector, identity
        self.worker.detector.max_iou = config.model.max_iou
        self.worker.device = self._report.device = config.device
        self.config = config
        self._set_cameras(config)

    def publish_states(self) -> None:
        """Make known what has become of the cameras."""
        for camera in self.rota.cameras:
            if self._states.get(camera.name) != str(camera.state):
                self._states[camera.name] = str(camera.state)
                self.fanout.publish_state(camera.name, "status", self._states[camera.name])

    def publish_stats(self) -> None:
        """Make known how the service does."""
        self.fanout.publish_stats(self._report.encoded())

    @property
    def finished(self) -> bool:
        """Whether every camera has come to its end and every frame was looked at."""
        return all(camera.state.name == "finished" and not camera.full for camera in self.rota.cameras)

    def close(self) -> bool:
        """Stop the cameras, finish the frame in hand, deliver what waits; False when something hangs and is left."""
        cameras = self.rota.cameras
        for camera in cameras:
            camera.stop()
        self.worker.stop()
        if self.worker.ident is not None:
            self.worker.join(FRAME_S)
        _release(self.worker.detector)
        delivered = self.fanout.close(DELIVER_S)
        return _close(cameras, CAMERAS_S) and delivered and not self.worker.is_alive()

    def _open_publishers(self, config: Config) -> None:
        self.fanout.replace(self._parts.publishers(config, self._control.on_command, self._report.encoded))

    def _reopen_publishers(self, reason: EdgeRetinaFaceError) -> None:
        try:
            self._open_publishers(self.config)
        except EdgeRetinaFaceError as error:  # the service is of no use like this: let it end and start again
            raise RuntimeError(f"no publisher is left: the new ones: {reason}; the old ones: {error}") from error
        self._announce()

    def _set_cameras(self, config: Config) -> None:
        input_hw = self.worker.detector.input_hw
        wanted = {settings.name: (settings, input_hw) for settings in config.camera}
        running = {camera.name: camera for camera in self.rota.cameras}
        kept = {name: camera for name, camera in running.items() if self._settings[name] == wanted.get(name)}
        gone = [camera for name, camera in running.items() if name not in kept]
        cameras = [
            kept.get(settings.name) or self._parts.camera(settings, input_hw, self.rota.ready)
            for settings in config.camera
        ]
        for camera in cameras:
            camera.max_fps = wanted[camera.name][0].max_fps
            if camera.name in running:
                camera.enabled = running[camera.name].enabled  # a pause is no setting
        self.rota.cameras = cameras
        self._control.replace(cameras, config.model.threshold)
        self._settings = wanted
        _close(gone, CAMERAS_S)  # before the new ones start: most devices serve one at a time
        for camera in cameras:
            if camera.name not in kept:
                camera.start()
        self._statistics.keep(wanted)
        self._announce()

    def _announce(self) -> None:
        self._states = {}
        self.publish_states()
        self._control.announce_all()


def _publishing(config: Config) -> object:
    """What the publishers are made from."""
    return config.device, config.mqtt, config.socket, config.stdout, [camera.name for camera in config.camera]


def _release(detector: Detector) -> None:
    """End what a detector that follows the store has of its own."""
    if isinstance(detector, StoredDetector):
        detector.close()


def _close(cameras: Iterable[LatestCamera], timeout_s: float) -> bool:
    for camera in cameras:
        camera.stop()
    until = time.monotonic() + timeout_s
    closed = [camera.close(max(0.0, until - time.monotonic())) for camera in cameras]
    return all(closed)
