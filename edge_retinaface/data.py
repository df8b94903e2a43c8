"""What travels along the corridor: frames, letterboxes, raw tensors, detections."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
ChannelOrder = Literal["BGR", "RGB"]

MOST_THREADS = 64  # of an interpreter: more than any board has cores; LiteRT crashes at some ten thousand
LANDMARK_NAMES = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")  # the subject's right and left


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from a camera."""

    pixels: U8  # uint8 (height, width, 3), C-contiguous; channel order in `order`
    order: ChannelOrder  # what the camera delivered, never guessed
    sequence: int  # counts every frame the camera made, dropped ones too; gaps are drops
    captured_ns: int  # CLOCK_MONOTONIC at capture, nanoseconds
    scaled_from: tuple[int, int] | None = None  # size of the camera's picture, where `pixels` were scaled on their way

    @property
    def full_hw(self) -> tuple[int, int]:
        """Height and width of the camera's picture: the pixels in which faces are told."""
        return self.scaled_from or (self.pixels.shape[0], self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a frame was fitted into the tensor: scaled, then padded right and below only."""

    scale_xy: tuple[float, float]  # tensor pixels per frame pixel; x and y differ by rounding to whole pixels only
    frame_hw: tuple[int, int]  # pixels, Frame.full_hw


class QuantizedTensor(NamedTuple):
    """A tensor as the interpreter holds it: real = scale * (values - zero_point). Float: scale 1, zero point 0."""

    values: NDArray[Any]
    scale: float
    zero_point: int


class LevelOutputs(NamedTuple):
    """What the network says about one feature map of h * w cells, two anchors a cell; any shape, row-major."""

    boxes: QuantizedTensor  # h * w * 2 * 4 encoded offsets
    scores: QuantizedTensor  # h * w * 2, meaning in the model card
    landmarks: QuantizedTensor  # h * w * 2 * 10 encoded offsets


RawOutputs = tuple[LevelOutputs, ...]  # in the order of ModelSpec.strides


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Faces of one frame, best first; row i of every array is one face."""

    boxes: F32  # float32 (n, 4)     x1 y1 x2 y2, pixels of Frame.full_hw
    scores: F32  # float32 (n,)       0..1, descending
    landmarks: F32  # float32 (n, 5, 2)  x y, of the same, in the order of LANDMARK_NAMES

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[tuple[F32, float, F32]]:
        """One (box, score, landmarks) a face."""
        for box, score, landmarks in zip(self.boxes, self.scores, self.landmarks, strict=True):
            yield box, float(score), landmarks

    @classmethod
    def none(cls) -> Self:
        """No faces: empty arrays of the right shapes."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32))
