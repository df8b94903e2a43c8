"""The numbers a RetinaFace is trained with. The model file carries them; nothing else repeats them."""

from dataclasses import dataclass
from typing import Literal

from edge_retinaface.data import ChannelOrder
from edge_retinaface.errors import ModelError

ScoreMeaning = Literal["probability", "logit_difference"]  # logit_difference: face logit minus background logit

ANCHORS_PER_CELL = 2
MOST_PIXELS = 2048 * 2048  # to make float32 of it takes 4.5 GB of memory; larger pictures are for `--tiles`
INPUT_MULTIPLE = 16  # then only the coarsest map may hang over the picture's edge, by half a cell, as 240 does at 32


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a detector needs to know about its network besides the weights."""

    input_hw: tuple[int, int]  # pixels
    order: ChannelOrder = "BGR"
    mean: tuple[float, float, float] = (104.0, 117.0, 123.0)  # of the training pictures, in BGR whatever `order` says
    strides: tuple[int, ...] = (8, 16, 32)  # pixels per cell
    anchor_sizes: tuple[tuple[int, int], ...] = ((16, 32), (64, 128), (256, 512))  # pixels, a pair per stride
    variances: tuple[float, float] = (0.1, 0.2)  # of centre offsets, of log sizes

    @property
    def centre(self) -> int:
        """The grey that the network sees as zero, 0..255: a float input is pixel - centre, padding is centre.

        What the three means differ from it by is folded into the first convolution's bias when a model is converted.
        """
        return round(sum(self.mean) / 3)

    def level_hw(self, stride: int) -> tuple[int, int]:
        """Cells of the feature map at `stride`. Rounded up: the last cell hangs over the edge, as in training."""
        height, width = self.input_hw
        return -(-height // stride), -(-width // stride)


def check_input_hw(input_hw: tuple[int, int]) -> None:
    """ModelError unless the network is defined at this size, with the reason.

    Every stride-2 convolution halves a side and rounds up, so a level has ceil(side / stride) cells at any size, and
    upsampling by rows * in / out undoes it exactly. Below a multiple of 16, though, the fine maps end in cells that see
    mostly padding, which training never showed them.
    """
    height, width = input_hw
    if height * width > MOST_PIXELS:
        raise ModelError(
            f"input size: wanted at most {MOST_PIXELS} pixels, such as 2048x2048 (detect --tiles looks closer at large "
            f"pictures), found {height}x{width}"
        )
    if height < INPUT_MULTIPLE or width < INPUT_MULTIPLE or height % INPUT_MULTIPLE or width % INPUT_MULTIPLE:
        raise ModelError(
            f"input size: wanted height and width in multiples of {INPUT_MULTIPLE} (only the coarsest feature map may "
            f"hang over the edge), found {height}x{width}"
        )
