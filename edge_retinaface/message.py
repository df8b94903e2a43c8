"""What other programs read: the detection message, schema 1, and the small messages beside it. All are JSON."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, Self

import msgspec
import numpy as np
from msgspec import UNSET, Raw, Struct, UnsetType

from edge_retinaface.data import Detections, Frame

SCHEMA = 1
_UNITS = np.array([10.0] * 14 + [1000.0])  # of a pixel, 14 coordinates; of a score
NS_PER_MS = 1_000_000
MS_PER_S = 1000

Point = tuple[float, float]  # x y, frame pixels


class Now(NamedTuple):
    """One moment on both clocks, nanoseconds."""

    monotonic_ns: int  # the clock of Frame.captured_ns
    unix_ns: int  # since 1970, UTC

    @classmethod
    def read(cls) -> Self:
        """This moment."""
        return cls(time.monotonic_ns(), time.time_ns())


class Landmarks(Struct, frozen=True):
    """Five points; right and left are the subject's."""

    right_eye: Point
    left_eye: Point
    nose: Point
    mouth_right: Point
    mouth_left: Point


class Face(Struct, frozen=True, kw_only=True):
    """One face."""

    score: float  # 0..1
    box: tuple[float, float, float, float]  # x1 y1 x2 y2, frame pixels
    landmarks: Landmarks


class DetectionMessage(Struct, frozen=True, kw_only=True):
    """The faces of one frame, best first."""

    schema: int = SCHEMA
    device: str
    camera: str
    sequence: int  # counts every frame the camera made; gaps are frames nobody looked at
    time: str  # when the frame was captured, ISO 8601, UTC, milliseconds
    captured_ns: int  # the same moment on CLOCK_MONOTONIC
    age_ms: float  # from capture to this message
    width: int  # of the frame, pixels
    height: int
    model: str
    faces: tuple[Face, ...]


class Percentiles(Struct, frozen=True, kw_only=True):
    """Durations of the last minute, milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float


class CameraStats(Struct, frozen=True, kw_only=True):
    """One camera; counts are since the start."""

    status: str  # what the camera does just now, and why
    fps: float  # frames looked at a second
    frames: dict[str, int]  # where its frames went: made, taken, dropped, skipped
    losses: int = 0  # times that it went away
    age_ms: Percentiles | None = None  # of its messages; None before the first


class Stats(Struct, frozen=True, kw_only=True):
    """How the service does; counts are since the start."""

    schema: int = SCHEMA
    device: str
    time: str
    uptime_s: float
    cameras: dict[str, CameraStats]
    stages_ms: dict[str, Percentiles]  # by the name of the stage
    publishers: dict[str, dict[str, int]]  # by the publisher's name: what it sent, dropped and holds
    troubles: dict[str, str] = {}  # by the publisher's name: what is wrong; those that are well are left out
    memory_mib: float  # resident
    version: str = ""  # of edge-retinaface
    model: str = ""  # the name on its card
    temperature_c: float | None = None  # None where the board does not tell
    throttled: bool | None = None


class Device(Struct, frozen=True, kw_only=True):
    """Who speaks."""

    device: str
    version: str


class Hello(Struct, frozen=True, kw_only=True):
    """The first line of a socket."""

    schema: int = SCHEMA
    hello: Device


class Dropped(Struct, frozen=True, kw_only=True):
    """So many messages are missing here: their reader was too slow."""

    dropped: int


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client of the socket may ask."""

    id: int | str
    method: str
    camera: str = ""  # "" for all
    value: float | None = None  # of set_threshold and set_max_fps


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer; `id` is the request's, null if it could not be read."""

    id: int | str | None
    success: bool
    error: str | UnsetType = UNSET
    stats: Raw | UnsetType = UNSET  # a Stats
    state: dict[str, dict[str, str]] | UnsetType = UNSET  # camera → option → value


_ENCODER = msgspec.json.Encoder()
encode = _ENCODER.encode  # any of the above as JSON bytes, without a line feed


def encode_message(frame: Frame, detections: Detections, *, device: str, camera: str, model: str, now: Now) -> bytes:
    """The detection message of one frame as JSON, the same bytes for every transport. Pixels are never in it."""
    height, width = frame.full_hw
    age_ns = now.monotonic_ns - frame.captured_ns
    message = DetectionMessage(
        device=device,
        camera=camera,
        sequence=frame.sequence,
        time=iso_time(now.unix_ns - age_ns),
        captured_ns=frame.captured_ns,
        age_ms=round(age_ns / NS_PER_MS, 1),
        width=width,
        height=height,
        model=model,
        faces=faces_of(detections),
    )
    return encode(message)


def faces_of(detections: Detections) -> tuple[Face, ...]:
    """Detections as messages tell them: coordinates rounded to a tenth of a pixel, scores to a thousandth."""
    if not len(detections):
        return ()
    # in float64: a rounded float32 has no short decimal form, so its digits would come back in the JSON
    values = np.empty((len(detections), 15))
    values[:, :4] = detections.boxes
    values[:, 4:14] = detections.landmarks.reshape(-1, 10)
    values[:, 14] = detections.scores
    values *= _UNITS
    np.rint(values, out=values)
    values /= _UNITS
    return tuple(
        Face(score=score, box=(x1, y1, x2, y2), landmarks=Landmarks(*zip(points[::2], points[1::2], strict=True)))
        for x1, y1, x2, y2, *points, score in values.tolist()
    )


def iso_time(unix_ns: int) -> str:
    """2026-11-21T10:11:12.345Z."""
    seconds, ms = divmod(unix_ns // NS_PER_MS, MS_PER_S)
    return f"{_iso_second(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=4)  # several messages a second
def _iso_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
