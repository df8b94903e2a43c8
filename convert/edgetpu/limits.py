"""What Coral's table of operations restricts, one function a restriction: each gives a Refusal or None.

Where the table only says "depending on size", the numbers here lie between sizes that people report as mapped and as
not mapped; each says which.
"""

import math
from collections.abc import Callable

from convert.edgetpu.graph import ACTIVATIONS, Op, Tensor
from convert.edgetpu.status import PRECISION, STRIDES, UNSPECIFIED, Refusal

Limit = Callable[[Op], Refusal | None]

# a 32-channel 512x512 or 3-channel 1024x1024 result is not mapped, nor is a 64x64x512 one of TRANSPOSE_CONV;
# 128x128x32 and 40x40x810 are
LARGE = 1 << 21  # elements
TRANSPOSE_LARGE = 1 << 16  # 196x255 is mapped, 784x255 and 224x224x3 are not
MEAN_PLANE = 1 << 14  # rows * columns; 64x128 is mapped, 256x128 is not
SOFTMAX_ELEMENTS = 16000  # documented
FACTOR = 8  # of bilinear enlarging: twice is mapped, 33 to 513 is not
MEAN_DEPTH_MULTIPLE = 4  # documented
BATCHED = 2  # dimensions from which on the first one is the batch


def no_fused_activation(op: Op) -> Refusal | None:
    """The operation ends without a relu of its own."""
    fused = ACTIVATIONS.get(op.option("fusedActivationFunction"), "?")
    return None if fused == "NONE" else Refusal(UNSPECIFIED, f"a fused {fused}, which it may not have")


def same_dilation(op: Op) -> Refusal | None:
    """The filter is spread as far across as down."""
    down, across = op.option("dilationHFactor", 1), op.option("dilationWFactor", 1)
    return None if down == across else Refusal(UNSPECIFIED, f"dilation {down} down and {across} across, not the same")


def zeros_only(op: Op) -> Refusal | None:
    """A constant may be joined only to one other tensor, and must be all zeros."""
    constants = [one.data for one in op.inputs if one and one.data is not None]
    others = len(op.inputs) - len(constants)
    if not constants or (len(constants) == others == 1 and not any(constants[0])):
        return None
    return Refusal(UNSPECIFIED, "joins a constant that is not one block of zeros beside one tensor")


def one_dimensional(op: Op) -> Refusal | None:
    """All but the last side of the result are 1."""
    shape = op.outputs[0].shape
    return Refusal(UNSPECIFIED, f"result {_by(shape)}, not one-dimensional") if _outer(shape) > 1 else None


def default_weights(op: Op) -> Refusal | None:
    """Weights in the plain order."""
    return Refusal(UNSPECIFIED, "weights in a shuffled order") if op.option("weightsFormat") else None


def softmax_size(op: Op) -> Refusal | None:
    """As many elements as documented."""
    size = op.outputs[0].size
    return Refusal(UNSPECIFIED, f"{size} elements, more than {SOFTMAX_ELEMENTS}") if size > SOFTMAX_ELEMENTS else None


def alpha_of_channels(op: Op) -> Refusal | None:
    """One slope a channel and no more (Keras: shared_axes=[1, 2])."""
    alpha = op.input(1)
    if alpha is None or _outer(alpha.shape) == 1:
        return None
    return Refusal(UNSPECIFIED, f"alpha {_by(alpha.shape)}, not one a channel (shared_axes=[1, 2])")


def unit_strides(op: Op) -> Refusal | None:
    """No step but 1, no ellipsis, no new axes."""
    steps = _integers(op, 3)
    if any(step != 1 for step in steps):
        return Refusal(STRIDES, f"strides {_by(steps)}, not all 1")
    mask = op.option("ellipsisMask") or op.option("newAxisMask")
    return Refusal(UNSPECIFIED, "an ellipsis or a new axis in the slice") if mask else None


def pads_no_batch(op: Op) -> Refusal | None:
    """Nothing is added to the batch."""
    return Refusal(UNSPECIFIED, "pads the batch") if any(_integers(op, 1)[:2]) and _rank(op) > BATCHED else None


def reduces_no_batch(op: Op) -> Refusal | None:
    """The batch is not reduced away."""
    return Refusal(UNSPECIFIED, "reduces the batch") if 0 in _axes(op, _integers(op, 1)) else None


def mean_axes(op: Op) -> Refusal | None:
    """Channels averaged only in multiples of 4, and no picture too large."""
    shape, axes = _shape(op), _axes(op, _integers(op, 1))
    if len(shape) - 1 in axes and shape[-1] % MEAN_DEPTH_MULTIPLE:
        return Refusal(UNSPECIFIED, f"averages {shape[-1]} channels, not a multiple of {MEAN_DEPTH_MULTIPLE}")
    plane = math.prod(shape[axis] for axis in axes if axis < len(shape) - 1)
    return Refusal(UNSPECIFIED, f"averages {plane} pixels, probably too many") if plane > MEAN_PLANE else None


def packs_no_batch(op: Op) -> Refusal | None:
    """The new axis is not the batch."""
    axis, rank = op.option("axis"), len(op.outputs[0].shape)
    return Refusal(UNSPECIFIED, "packs along the batch") if rank > BATCHED and axis % rank == 0 else None


def splits_no_batch(op: Op) -> Refusal | None:
    """The batch stays whole."""
    picture = op.input(1)
    axis = next(iter(_integers(op, 0)), 1)
    rank = len(picture.shape) if picture else 0
    return Refusal(UNSPECIFIED, "splits the batch") if rank > BATCHED and axis % rank == 0 else None


def fits(op: Op) -> Refusal | None:
    """What it puts out is not too large for it."""
    shape, size = op.outputs[0].shape, op.outputs[0].size
    return Refusal(UNSPECIFIED, f"result {_by(shape)}, probably too large") if size >= LARGE else None


def fits_transposed(op: Op) -> Refusal | None:
    """What is turned is not too large."""
    shape, size = op.outputs[0].shape, op.outputs[0].size
    return Refusal(UNSPECIFIED, f"turns {_by(shape)}, probably too large") if size > TRANSPOSE_LARGE else None


def precise(op: Op) -> Refusal | None:
    """Not enlarged so far that 8 bits cannot hold the weights in between; one pixel is only repeated."""
    before, after = _shape(op), op.outputs[0].shape
    for old, new in zip(before[1:3], after[1:3], strict=False):
        if old > 1 and new > FACTOR * old:
            return Refusal(PRECISION, f"enlarges {old} pixels to {new}, more than {FACTOR} times")
    return None


def _shape(op: Op) -> tuple[int, ...]:
    picture: Tensor | None = next((one for one in op.inputs if one and one.data is None), None)
    return picture.shape if picture else ()


def _rank(op: Op) -> int:
    return len(_shape(op))


def _integers(op: Op, position: int) -> list[int]:
    tensor = op.input(position)
    return tensor.integers().tolist() if tensor and tensor.data else []


def _axes(op: Op, axes: list[int]) -> set[int]:
    return {axis % (_rank(op) or 1) for axis in axes} if _rank(op) >= BATCHED else set()


def _outer(shape: tuple[int, ...]) -> int:
    return math.prod(shape[:-1])


def _by(shape: tuple[int, ...] | list[int]) -> str:
    return "x".join(str(side) for side in shape) or "scalar"
