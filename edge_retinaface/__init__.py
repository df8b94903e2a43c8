"""Faces on a Raspberry Pi or Coral board: detection in Python, as a command and as a service."""

from edge_retinaface.data import Detections, Frame
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import EdgeRetinaFaceError
from edge_retinaface.faces import draw_faces

__version__ = "0.1.0"

detect_faces = RetinaFace.detect_faces
extract_faces = RetinaFace.extract_faces
blur_faces = RetinaFace.blur_faces

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
