"""Faces on a Raspberry Pi or Coral board: detection in Python, as a command and as a service.

What it is made of loads when it is first asked for, so that the commands start, and stop, at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Detections",
    "EdgeRetinaFaceError",
    "Frame",
    "RetinaFace",
    "blur_faces",
    "detect_faces",
    "draw_faces",
    "extract_faces",
]

if TYPE_CHECKING:
    from edge_retinaface.data import Detections, Frame
    from edge_retinaface.detector import RetinaFace
    from edge_retinaface.errors import EdgeRetinaFaceError
    from edge_retinaface.faces import draw_faces

    detect_faces = RetinaFace.detect_faces
    extract_faces = RetinaFace.extract_faces
    blur_faces = RetinaFace.blur_faces
else:
    HOMES = {"Detections": "data", "Frame": "data", "EdgeRetinaFaceError": "errors", "draw_faces": "faces"}

    def __getattr__(name: str) -> object:
        """The name from its module; those of the detector are its class and that class's methods."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name in HOMES:
            return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
        detector = import_module(f"{__name__}.detector").RetinaFace
        return detector if name == detector.__name__ else getattr(detector, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
