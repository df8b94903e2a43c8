"""A process that runs the service: python service_program.py CONFIG SECONDS [hang] or … CONFIG replay.

With SECONDS the detector only sleeps; with `hang` it hangs at its 20th frame. With `replay` everything is real but the
camera: it shows one photograph of a face, 640x480, sixty times a second.
"""

import itertools
import logging
import os
import sys
import threading

import cv2
import numpy as np
from service_helpers import FakeDetector

from edge_retinaface.cameras import LatestCamera, ReplayCamera
from edge_retinaface.config import CameraSettings, load_config
from edge_retinaface.data import Detections, Frame
from edge_retinaface.errors import EdgeRetinaFaceError
from edge_retinaface.service import Parts, leave, serve


class HangingDetector(FakeDetector):
    """Hangs at its 20th frame."""

    def detect(self, frame: Frame) -> Detections:
        if len(self.asked) == 20:
            threading.Event().wait()
        return super().detect(frame)


def replay(settings: CameraSettings, _: tuple[int, int], ready: threading.Condition) -> LatestCamera:
    """A camera of 60 frames a second; each frame is a copy, as a real camera's is. The URI names the photograph."""
    picture = np.asarray(cv2.resize(cv2.imread(settings.uri.removeprefix("file:")), (640, 480)), np.uint8)
    return ReplayCamera(settings.name, lambda: (picture.copy() for _ in itertools.count()), fps=60, ready=ready)


def parts() -> Parts:
    if "replay" in sys.argv:
        return Parts(camera=replay)
    kind = HangingDetector if "hang" in sys.argv else FakeDetector
    return Parts(detector=lambda _: kind(float(sys.argv[2])), model_identity=lambda _: None)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        service = serve(lambda: load_config(sys.argv[1], os.environ), os.environ, parts())
    except EdgeRetinaFaceError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    if service.left_behind:
        leave(0)


if __name__ == "__main__":
    main()
