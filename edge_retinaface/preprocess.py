"""Frame to input tensor. Calibration, verification and the device all call this one function."""

import cv2
import numpy as np

from edge_retinaface.data import U8, ChannelOrder, Letterbox
from edge_retinaface.spec import ModelSpec


def letterbox(pixels: U8, order: ChannelOrder, spec: ModelSpec, out: U8) -> Letterbox:
    """Scale `pixels` to fit, keep the aspect, pad right and below, and write the result into `out`.

    `pixels` is uint8 (height, width, 3) in `order`; `out` is uint8 (H, W, 3), contiguous, and gets the model's order.
    """
    height, width = pixels.shape[:2]
    tensor_height, tensor_width = spec.input_hw
    scale = min(tensor_height / height, tensor_width / width)
    new_height = min(max(round(height * scale), 1), tensor_height)
    new_width = min(max(round(width * scale), 1), tensor_width)
    inside = out[:new_height, :new_width]
    if (new_height, new_width) == (height, width):
        inside[...] = pixels
    else:
        cv2.resize(pixels, (new_width, new_height), dst=inside, interpolation=_interpolation(scale))
    if order != spec.order:
        inside[...] = inside[..., ::-1].copy()
    out[new_height:] = spec.centre
    out[:new_height, new_width:] = spec.centre
    return Letterbox((new_width / width, new_height / height), (height, width))


def _interpolation(scale: float) -> int:
    # below a third, bilinear skips so many pixels that small faces flicker; averaging costs a millisecond more
    return cv2.INTER_AREA if scale < 1 / 3 else cv2.INTER_LINEAR


def to_tensor_bytes(pixels: U8) -> None:
    """Turn camera bytes 0..255 into the int8 tensor's -128..127, in place: flipping the top bit subtracts 128."""
    np.bitwise_xor(pixels, 0x80, out=pixels)
