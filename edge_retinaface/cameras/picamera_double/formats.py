"""How libcamera lays pictures out in memory, for the Picamera2 double: byte orders, strides, padding."""

from typing import Any

import cv2
import numpy as np

from edge_retinaface.data import U8

# the names are those of a little-endian word: RGB888 has blue in its first byte
_CHANNELS = {"RGB888": (2, 1, 0), "BGR888": (0, 1, 2), "XRGB8888": (2, 1, 0, -1), "XBGR8888": (0, 1, 2, -1)}
FORMATS = ("YUV420", *_CHANNELS)
_UNUSED = 255  # the fourth byte of a pixel

# ITU-R BT.601, limited range: Y 16..235, U and V 16..240 around 128
_YUV = np.array(
    [
        [65.481 / 255, 128.553 / 255, 24.966 / 255, 16],
        [-37.797 / 255, -74.203 / 255, 112.0 / 255, 128],
        [112.0 / 255, -93.786 / 255, -18.214 / 255, 128],
    ]
)


def is_yuv(name: str) -> bool:
    """Whether a pixel format is YUV."""
    return name == "YUV420"


def stride_of(name: str, width: int, align: int) -> int:
    """Bytes a row, padded so that each plane's row is a multiple of `align` bytes."""
    if is_yuv(name):
        return -(-width // (2 * align)) * 2 * align  # U and V have half of it
    return -(-width * len(_CHANNELS[name]) // align) * align


def frame_size(name: str, stride: int, height: int) -> int:
    """Bytes a picture."""
    return stride * height * 3 // 2 if is_yuv(name) else stride * height


def write_picture(picture: U8, config: dict[str, Any], buffer: U8) -> None:
    """Scale `picture`, RGB, into `buffer` as the stream's configuration says. The padding keeps what it had."""
    width, height = config["size"]
    rgb = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if is_yuv(config["format"]):
        _write_yuv420(rgb, config["stride"], buffer)
        return
    channels = _CHANNELS[config["format"]]
    rows = buffer.reshape(height, config["stride"])[:, : width * len(channels)].reshape(height, width, len(channels))
    for place, channel in enumerate(channels):
        rows[..., place] = _UNUSED if channel < 0 else rgb[..., channel]


def view_picture(buffer: U8, config: dict[str, Any]) -> U8:
    """What Picamera2 makes of the buffer without a copy: RGB cut to its width, YUV420 with its padding left in."""
    width, height = config["size"]
    if is_yuv(config["format"]):
        return buffer.reshape(height * 3 // 2, config["stride"])
    depth = len(_CHANNELS[config["format"]])
    return buffer.reshape(height, config["stride"])[:, : width * depth].reshape(height, width, depth)


def _write_yuv420(rgb: U8, stride: int, buffer: U8) -> None:
    height, width = rgb.shape[:2]
    yuv = cv2.transform(rgb.astype(np.float32), _YUV)
    quarters = yuv.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    luma, chroma = height * stride, height // 2 * (stride // 2)
    planes = (
        (yuv[..., 0], buffer[:luma].reshape(height, stride)),
        (quarters[..., 1], buffer[luma : luma + chroma].reshape(height // 2, stride // 2)),
        (quarters[..., 2], buffer[luma + chroma : luma + 2 * chroma].reshape(height // 2, stride // 2)),
    )
    for values, plane in planes:
        plane[:, : values.shape[1]] = np.rint(values)
