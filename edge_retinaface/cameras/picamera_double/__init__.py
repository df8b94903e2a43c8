"""A stand-in for Picamera2 and libcamera, for tests without a Raspberry Pi.

As in the real ones: byte orders, garbage in the padding of rows, a finite number of buffers that starve the camera when
they are not released, time-outs that leave a job behind, and the format rules of VC4 (Pi 0 to 4) and PISP (Pi 5).
"""

from types import SimpleNamespace

from edge_retinaface.cameras.picamera import Hardware
from edge_retinaface.cameras.picamera_double.camera import Picamera2
from edge_retinaface.cameras.picamera_double.config import Platform, Transform
from edge_retinaface.cameras.picamera_double.pipeline import Sensor
from edge_retinaface.cameras.picamera_double.requests import CompletedRequest, MappedArray

__all__ = ["CompletedRequest", "MappedArray", "Picamera2", "Platform", "Sensor", "Transform", "hardware_of"]


def hardware_of(sensor: Sensor, platform: Platform = Platform.VC4) -> Hardware:
    """The two packages as a Raspberry Pi with this sensor has them."""
    return Hardware(
        SimpleNamespace(
            Picamera2=type("Picamera2", (Picamera2,), {"platform": platform, "sensor": sensor}),
            MappedArray=MappedArray,
        ),
        SimpleNamespace(Transform=Transform, ColorSpace=SimpleNamespace(Smpte170m=lambda: "SMPTE170M")),
    )
