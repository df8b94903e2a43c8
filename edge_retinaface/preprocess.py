"""Frame to input tensor. Calibration, verification and the device all scale by this one code."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import U8, ChannelOrder, Letterbox
from edge_retinaface.spec import ModelSpec

LEAST_LINEAR_SCALE = 1 / 3  # below it, bilinear skips so many pixels that small faces flicker
PLANS = 8  # cameras and views of one detector that differ in size; more are worked out again
TOP_BIT = np.uint8(0x80)

_Source = tuple[tuple[int, ...], ChannelOrder, tuple[int, int] | None]  # shape and order of a picture, scaled from


def letterbox(pixels: U8, order: ChannelOrder, spec: ModelSpec, out: U8) -> Letterbox:
    """Scale `pixels` to fit, keep the aspect, pad right and below, and write the result into `out`.

    `pixels` is uint8 (height, width, 3) in `order`; `out` is uint8 (H, W, 3), contiguous, and gets the model's order.
    """
    plan = _Plan(pixels.shape, spec.input_hw, swaps=order != spec.order)
    inside = out[: plan.inside_hw[0], : plan.inside_hw[1]]
    scaled = plan.scale(pixels, inside)
    if scaled is not inside:
        inside[...] = scaled
    _pad(out, plan.inside_hw, spec.centre)
    return plan.letterbox


class InputWriter:
    """Letterboxes pictures into one input tensor, which nobody else writes to.

    What follows from the size of a picture is worked out once. Padding is written only when the picture's place
    changes: an interpreter leaves its inputs as they are.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._plans: dict[_Source, _Plan] = {}
        self._padded_for = (0, 0)

    def write(
        self, pixels: U8, order: ChannelOrder, tensor: NDArray[Any], full_hw: tuple[int, int] | None = None
    ) -> Letterbox:
        """Letterbox uint8 (height, width, 3) into `tensor`, (H, W, 3): int8 pixel - 128 or float32 pixel - centre.

        `full_hw` is the size of the picture that `pixels` were scaled from by a `Fitter`, if they were.
        """
        source = (pixels.shape, order, full_hw)
        plan = self._plans.get(source) or self._new_plan(source)
        is_float = tensor.dtype.kind == "f"
        if plan.inside_hw != self._padded_for:
            _pad(tensor, plan.inside_hw, 0 if is_float else self._spec.centre - 128)
            self._padded_for = plan.inside_hw
        inside = tensor[: plan.inside_hw[0], : plan.inside_hw[1]]
        if is_float:
            np.subtract(plan.scale(pixels, plan.room), np.float32(self._spec.centre), out=inside)
        else:
            as_bytes = inside.view(np.uint8)
            np.bitwise_xor(plan.scale(pixels, as_bytes), TOP_BIT, out=as_bytes)  # flipping the top bit subtracts 128
        return plan.letterbox

    def _new_plan(self, source: _Source) -> "_Plan":
        if len(self._plans) == PLANS:
            self._plans.clear()
        shape, order, full_hw = source
        plan = self._plans[source] = _Plan(shape, self._spec.input_hw, full_hw, swaps=order != self._spec.order)
        return plan


class Fitter:
    """Scales the pictures of one camera ahead, on another thread than InputWriter's, which then only copies them."""

    def __init__(self) -> None:
        self._plan: _Plan | None = None
        self._made_for: tuple[tuple[int, ...], tuple[int, int]] | None = None

    def fit(self, pixels: U8, input_hw: tuple[int, int]) -> U8:
        """A new picture of the size that `pixels` take in a tensor of `input_hw`; themselves if they have it."""
        if self._plan is None or self._made_for != (pixels.shape, input_hw):
            self._plan, self._made_for = _Plan(pixels.shape, input_hw, swaps=False), (pixels.shape, input_hw)
        return self._plan.scale(pixels, np.empty((*self._plan.inside_hw, 3), np.uint8))


class _Plan:
    """How pictures of one size get into the tensor, and the memory that this takes: filled only where it is used."""

    def __init__(
        self,
        shape: tuple[int, ...],
        input_hw: tuple[int, int],
        full_hw: tuple[int, int] | None = None,
        *,
        swaps: bool,
    ) -> None:
        height, width = shape[:2]
        self.inside_hw = _inside_hw((height, width), input_hw)
        full_hw = full_hw or (height, width)
        self.letterbox = Letterbox((self.inside_hw[1] / full_hw[1], self.inside_hw[0] / full_hw[0]), full_hw)
        self.room = np.empty((*self.inside_hw, 3), np.uint8)
        self._swaps = swaps
        self._unswapped = np.empty_like(self.room)
        self._halves = [np.empty((*hw, 3), np.uint8) for hw in _halves((height, width), self.inside_hw)]
        last_hw = self._halves[-1].shape[:2] if self._halves else (height, width)
        self._interpolation = _interpolation(last_hw, self.inside_hw)
        self._scales = (height, width) != self.inside_hw

    def scale(self, pixels: U8, out: U8) -> U8:
        """`pixels` at the size and in the order of the tensor: in `out`, or themselves if they are so already."""
        if self._scales:
            for half in self._halves:
                _resize(pixels[: half.shape[0] * 2, : half.shape[1] * 2], half, cv2.INTER_AREA)
                pixels = half
            target = self._unswapped if self._swaps else out
            _resize(pixels, target, self._interpolation)
            pixels = target
        if self._swaps:
            cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=out)
            pixels = out
        return pixels


def _resize(pixels: U8, out: U8, interpolation: int) -> None:
    cv2.resize(pixels, (out.shape[1], out.shape[0]), dst=out, interpolation=interpolation)


def _halves(frame_hw: tuple[int, int], to_hw: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Sizes on the way to less than LEAST_LINEAR_SCALE: means of 2x2 squares, the quickest that leaves no pixel out.

    An odd last row or column falls away, which moves the picture by less than a pixel of the tensor.
    """
    while max(to_hw[0] / frame_hw[0], to_hw[1] / frame_hw[1]) < LEAST_LINEAR_SCALE:
        frame_hw = frame_hw[0] // 2, frame_hw[1] // 2
        yield frame_hw


def _interpolation(from_hw: tuple[int, int], to_hw: tuple[int, int]) -> int:
    # half: the same bytes as bilinear, the mean of four, and on ARM a thirteenth of the instructions
    return cv2.INTER_AREA if from_hw == (2 * to_hw[0], 2 * to_hw[1]) else cv2.INTER_LINEAR


def _inside_hw(frame_hw: tuple[int, int], input_hw: tuple[int, int]) -> tuple[int, int]:
    """Height and width that the frame takes in the tensor, the rest is padding; a frame of that size keeps it."""
    height, width = frame_hw
    tensor_height, tensor_width = input_hw
    scale = min(tensor_height / height, tensor_width / width)
    return min(max(round(height * scale), 1), tensor_height), min(max(round(width * scale), 1), tensor_width)


def _pad(out: NDArray[Any], inside_hw: tuple[int, int], value: int) -> None:
    height, width = inside_hw
    out[height:] = value
    out[:height, width:] = value
