"""The camera service: camera, faces, publishers, for ever."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

import cv2

from edge_retinaface.cameras import quiet_opencv
from edge_retinaface.config import Config
from edge_retinaface.service.detection import Detector
from edge_retinaface.service.parts import Parts
from edge_retinaface.service.service import Service

__all__ = ["Detector", "Parts", "Service", "leave", "serve"]


def serve(load: Callable[[], Config], environ: Mapping[str, str], parts: Parts | None = None) -> Service:
    """Run the service in the main thread until a signal or the end of its files; raises as Service does.

    What comes back says whether something was left behind: then end the process with `leave`.
    """
    quiet_opencv()
    cv2.setNumThreads(1)  # with more, each frame's scaling waits for whichever thread a busy machine lets wait
    service = Service(load, environ, parts)
    with service.signals():
        service.run()
    return service


def leave(code: int) -> NoReturn:
    """End the process at once. Python's own way out crashes when a thread comes back from a hung driver meanwhile."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
