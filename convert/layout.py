"""The network as a table: every convolution, what feeds it and what follows it.

The importers look for the standard table, `CONVS` (Deng et al., RetinaFace, 2019, in its MobileNet-0.25 release:
MobileNetV1 at a quarter of its width, a 64-channel feature pyramid, one SSH module a level). All else takes the table
that comes with the weights: a compressed network has other convolutions.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from edge_retinaface.spec import ANCHORS_PER_CELL, ModelSpec

# which part of the network: it decides the activation; linear: the first half of a factorised convolution; folded:
# whose leaky relu became a relu
Place = Literal["backbone", "neck", "joined", "linear", "folded", "head"]
Kind = Literal["boxes", "scores", "landmarks"]

PICTURE = "image"  # the source that is not a convolution
NECK_WIDTH = 64  # channels of every pyramid level
STRIDES = ModelSpec((0, 0)).strides
VALUES: dict[Kind, int] = {"boxes": 4, "scores": 1, "landmarks": 10}  # per anchor; scores are a logit difference


class Add(NamedTuple):
    """The sum of a convolution's output and another one's, upsampled to its size."""

    fine: str
    coarse: str


class Concat(NamedTuple):
    """Convolutions' outputs joined along the channels, in this order."""

    parts: tuple[str, ...]


Source = str | Add | Concat  # a str is the activated output of the convolution of that name


class Conv(NamedTuple):
    """One convolution with bias, batch normalization folded in."""

    name: str
    source: Source
    side: int  # of the square kernel
    stride: int
    inputs: int  # channels
    outputs: int
    place: Place
    depthwise: bool = False

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Keras layout: rows, columns, inputs, outputs; depthwise: rows, columns, channels, 1."""
        return (self.side, self.side, self.inputs, 1 if self.depthwise else self.outputs)


Table = Mapping[str, Conv]  # by Conv.name, in an order in which every source comes first


def head_name(kind: Kind, stride: int) -> str:
    """The name of an output: of the convolution, of the Keras output and of the tensor in the model file."""
    return f"{kind}_{stride}"


HEADS = tuple(head_name(kind, stride) for stride in STRIDES for kind in VALUES)  # in the order of the model file


def _backbone() -> Iterator[Conv]:
    yield Conv("stage1.0", PICTURE, 3, 2, 3, 8, "backbone")
    source, width = "stage1.0", 8
    stages = {
        1: ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1)),
        2: ((128, 2), (128, 1), (128, 1), (128, 1), (128, 1), (128, 1)),
        3: ((256, 2), (256, 1)),
    }
    for stage, blocks in stages.items():
        for number, (wider, stride) in enumerate(blocks, start=1 if stage == 1 else 0):
            block = f"stage{stage}.{number}"
            yield Conv(f"{block}.depthwise", source, 3, stride, width, width, "backbone", depthwise=True)
            yield Conv(f"{block}.pointwise", f"{block}.depthwise", 1, 1, width, wider, "backbone")
            source, width = f"{block}.pointwise", wider


def _pyramid() -> Iterator[Conv]:
    wide = NECK_WIDTH
    yield Conv("fpn.output1", "stage1.5.pointwise", 1, 1, 64, wide, "neck")
    yield Conv("fpn.output2", "stage2.5.pointwise", 1, 1, 128, wide, "neck")
    yield Conv("fpn.output3", "stage3.1.pointwise", 1, 1, 256, wide, "neck")
    yield Conv("fpn.merge2", Add("fpn.output2", "fpn.output3"), 3, 1, wide, wide, "neck")
    yield Conv("fpn.merge1", Add("fpn.output1", "fpn.merge2"), 3, 1, wide, wide, "neck")


def _context(level: int, source: str) -> Iterator[Conv]:
    half, quarter = NECK_WIDTH // 2, NECK_WIDTH // 4
    ssh = f"ssh{level}"
    yield Conv(f"{ssh}.conv3x3", source, 3, 1, NECK_WIDTH, half, "joined")
    yield Conv(f"{ssh}.conv5x5_1", source, 3, 1, NECK_WIDTH, quarter, "neck")
    yield Conv(f"{ssh}.conv5x5_2", f"{ssh}.conv5x5_1", 3, 1, quarter, quarter, "joined")
    yield Conv(f"{ssh}.conv7x7_2", f"{ssh}.conv5x5_1", 3, 1, quarter, quarter, "neck")
    yield Conv(f"{ssh}.conv7x7_3", f"{ssh}.conv7x7_2", 3, 1, quarter, quarter, "joined")


def _heads(level: int, stride: int) -> Iterator[Conv]:
    joined = Concat(tuple(f"ssh{level}.{part}" for part in ("conv3x3", "conv5x5_2", "conv7x7_3")))
    for kind, values in VALUES.items():
        yield Conv(head_name(kind, stride), joined, 1, 1, NECK_WIDTH, ANCHORS_PER_CELL * values, "head")


def _all() -> Iterator[Conv]:
    yield from _backbone()
    yield from _pyramid()
    for level, source in enumerate(("fpn.merge1", "fpn.merge2", "fpn.output3"), start=1):
        yield from _context(level, source)
    for level, stride in enumerate(STRIDES, start=1):
        yield from _heads(level, stride)


CONVS: Table = {conv.name: conv for conv in _all()}  # the standard network
