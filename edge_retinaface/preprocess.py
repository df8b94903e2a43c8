"""Frame to input tensor. Calibration, verification and the device all scale by this one code."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import U8, ChannelOrder, Letterbox
from edge_retinaface.spec import ModelSpec

LEAST_LINEAR_SCALE = 1 / 3  # below it, bilinear skips so many pixels that small faces flicker


def letterbox(pixels: U8, order: ChannelOrder, spec: ModelSpec, out: U8) -> Letterbox:
    """Scale `pixels` to fit, keep the aspect, pad right and below, and write the result into `out`.

    `pixels` is uint8 (height, width, 3) in `order`; `out` is uint8 (H, W, 3), contiguous, and gets the model's order.
    """
    inside_hw = _inside_hw(pixels, spec)
    _Scaler().scale(pixels, out[: inside_hw[0], : inside_hw[1]], swap=order != spec.order)
    _pad(out, inside_hw, spec.centre)
    return _geometry(pixels, inside_hw)


class InputWriter:
    """Letterboxes pictures into one input tensor, which nobody else writes to.

    Padding is written only when the picture's place changes: an interpreter leaves its inputs as they are.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._centre = spec.centre
        self._scaler = _Scaler()
        self._padded_for = (0, 0)

    def write(self, pixels: U8, order: ChannelOrder, tensor: NDArray[Any]) -> Letterbox:
        """Letterbox uint8 (height, width, 3) into `tensor`, (H, W, 3): int8 pixel - 128 or float32 pixel - centre."""
        inside_hw = height, width = _inside_hw(pixels, self._spec)
        is_float = tensor.dtype.kind == "f"
        if inside_hw != self._padded_for:
            _pad(tensor, inside_hw, 0 if is_float else self._centre - 128)
            self._padded_for = inside_hw
        inside, swap = tensor[:height, :width], order != self._spec.order
        if is_float:
            as_bytes = self._scaler.room("float", inside.shape)
            self._scaler.scale(pixels, as_bytes, swap=swap)
            np.subtract(as_bytes, np.float32(self._centre), out=inside)
        else:
            as_bytes = inside.view(np.uint8)
            scaled = as_bytes
            if pixels.shape == as_bytes.shape and not swap:
                scaled = pixels
            else:
                self._scaler.scale(pixels, as_bytes, swap=swap)
            np.bitwise_xor(scaled, 0x80, out=as_bytes)  # flipping the top bit subtracts 128
        return _geometry(pixels, inside_hw)


class _Scaler:
    """Scales pictures, in memory that it keeps from one to the next."""

    def __init__(self) -> None:
        self._rooms: dict[str | int, U8] = {}

    def room(self, name: str | int, shape: tuple[int, ...]) -> U8:
        """Memory for a picture of this shape, the same as last time if the shape is."""
        room = self._rooms.get(name)
        if room is None or room.shape != shape:
            room = self._rooms[name] = np.empty(shape, np.uint8)
        return room

    def scale(self, pixels: U8, out: U8, *, swap: bool) -> None:
        """Write `pixels` into `out` at its size, with the channels turned round if `swap`."""
        target = self.room("swap", out.shape) if swap else out
        if pixels.shape == out.shape:
            target = pixels
            if not swap:
                out[...] = pixels
        else:
            interpolation = _interpolation(pixels, out)
            _resize(self._halved(pixels, out), target, interpolation)
        if swap:
            cv2.cvtColor(target, cv2.COLOR_BGR2RGB, dst=out)

    def _halved(self, pixels: U8, out: U8) -> U8:
        """`pixels`, or while it is 4, 6, 8 … times `out`, the means of its 2x2 squares, a third of the time for 4."""
        times = pixels.shape[0] // out.shape[0]
        while times >= 4 and times % 2 == 0 and pixels.shape[:2] == (out.shape[0] * times, out.shape[1] * times):  # noqa: PLR2004 - 2 is one step anyway
            times //= 2
            half = self.room(times, (out.shape[0] * times, out.shape[1] * times, 3))
            _resize(pixels, half, cv2.INTER_AREA)
            pixels = half
        return pixels


def _resize(pixels: U8, out: U8, interpolation: int) -> None:
    cv2.resize(pixels, (out.shape[1], out.shape[0]), dst=out, interpolation=interpolation)


def _interpolation(pixels: U8, out: U8) -> int:
    if pixels.shape[:2] == (2 * out.shape[0], 2 * out.shape[1]):
        return cv2.INTER_AREA  # the same bytes as bilinear, the mean of four; on ARM a thirteenth of the instructions
    scale = max(out.shape[0] / pixels.shape[0], out.shape[1] / pixels.shape[1])
    return cv2.INTER_AREA if scale < LEAST_LINEAR_SCALE else cv2.INTER_LINEAR


def _inside_hw(pixels: U8, spec: ModelSpec) -> tuple[int, int]:
    """Height and width that `pixels` takes in the tensor; what is left over is padding."""
    height, width = pixels.shape[:2]
    tensor_height, tensor_width = spec.input_hw
    scale = min(tensor_height / height, tensor_width / width)
    return min(max(round(height * scale), 1), tensor_height), min(max(round(width * scale), 1), tensor_width)


def _geometry(pixels: U8, inside_hw: tuple[int, int]) -> Letterbox:
    height, width = pixels.shape[:2]
    return Letterbox((inside_hw[1] / width, inside_hw[0] / height), (height, width))


def _pad(out: NDArray[Any], inside_hw: tuple[int, int], value: int) -> None:
    height, width = inside_hw
    out[height:] = value
    out[:height, width:] = value
