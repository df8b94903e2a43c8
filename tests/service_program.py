"""A process that runs the service with a detector that sleeps: python service_program.py CONFIG SECONDS [hang].

With `hang` the detector hangs at its 20th frame.
"""

import logging
import os
import sys
import threading

from service_helpers import FakeDetector

from edge_retinaface.config import load_config
from edge_retinaface.data import Detections, Frame
from edge_retinaface.errors import EdgeRetinaFaceError
from edge_retinaface.service import Parts, leave, serve


class HangingDetector(FakeDetector):
    """Hangs at its 20th frame."""

    def detect(self, frame: Frame) -> Detections:
        if len(self.asked) == 20:
            threading.Event().wait()
        return super().detect(frame)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    kind = HangingDetector if "hang" in sys.argv else FakeDetector
    parts = Parts(detector=lambda _: kind(float(sys.argv[2])), model_identity=lambda _: None)
    try:
        service = serve(lambda: load_config(sys.argv[1], os.environ), os.environ, parts)
    except EdgeRetinaFaceError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    if service.left_behind:
        leave(0)


if __name__ == "__main__":
    main()
