"""Which configurations libcamera takes on VC4 (Pi 0 to 4) and PISP (Pi 5), for the Picamera2 double."""

from enum import Enum
from typing import Any, NamedTuple

from edge_retinaface.cameras.picamera_double.formats import FORMATS, frame_size, is_yuv, stride_of


class Platform(Enum):
    """picamera2.Platform."""

    VC4 = 0
    PISP = 1


class Transform(NamedTuple):
    """libcamera.Transform."""

    hflip: bool = False
    vflip: bool = False


_STRIDE_ALIGN = {Platform.VC4: 32, Platform.PISP: 64}  # bytes a plane
_KEYS = ("format", "size", "stride", "preserve_ar")


def stream_config(defaults: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Defaults with what was asked for, at an even size."""
    for key in wanted:
        if key not in _KEYS:
            raise ValueError(f"Bad key {key!r}: valid stream configuration keys are {_KEYS}")
    stream = defaults | wanted
    align_stream(stream, Platform.VC4, optimal=False)
    return stream


def align_stream(stream: dict[str, Any], platform: Platform, *, optimal: bool) -> None:
    """Round the size down, in place: to even numbers, or to widths without padding."""
    align = 2
    if optimal:
        align = _STRIDE_ALIGN[platform]
        if is_yuv(stream["format"]):
            align *= 2
        elif stream["format"].startswith("X"):
            align //= 2
    width, height = stream["size"]
    stream["size"] = (width - width % align, height - height % 2)


def checked(config: dict[str, Any], platform: Platform) -> dict[str, Any]:
    """The configuration with strides and frame sizes; RuntimeError for what the hardware cannot do."""
    config = config.copy()
    for name in ("main", "lores"):
        if config[name] is None:
            continue
        stream = config[name] = config[name].copy()
        width, height = stream["size"]
        if stream["format"] not in FORMATS:
            raise RuntimeError(f"Bad format {stream['format']} in stream {name}")
        if width % 2 or height % 2:
            raise RuntimeError("width and height should be even")
        stream["stride"] = stride_of(stream["format"], width, _STRIDE_ALIGN[platform])
        stream["framesize"] = frame_size(stream["format"], stream["stride"], height)
    lores = config["lores"]
    if lores is not None:
        if lores["size"][0] > config["main"]["size"][0] or lores["size"][1] > config["main"]["size"][1]:
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        if platform is Platform.VC4 and not is_yuv(lores["format"]):
            raise RuntimeError("lores stream must be YUV")
    return config
