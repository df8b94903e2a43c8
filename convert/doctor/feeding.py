"""How whoever trusts the file would feed it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.doctor.mistakes import INPUT_MISTAKES
from convert.doctor.subject import Input, Subject
from convert.families import Family
from edge_retinaface.data import F32, U8

PIXELS = np.array([[[0]], [[255]]], np.float32).repeat(3, axis=2)  # the extremes of a picture
ALIKE = 0.3  # by so much an input's span may miss that of a mistake
COVERED = 0.9  # of the range of pixel - mean must fit into an input that is meant for it
PIXEL_SPAN = 64.0  # real values from an input's least to its largest; below it the file itself expects no pixels


class Feed(NamedTuple):
    """One way to fill the input."""

    detail: str
    fill: Callable[[U8], NDArray[Any]]  # a probe (H, W, 3), BGR, to the input (1, H, W, 3)


def feeds(subject: Subject, family: Family) -> tuple[Feed, ...]:
    """The way the card says; without a card those in use with weights of this family."""
    kind, card = subject.input, subject.card
    order = card.spec.order if card else family.order
    step = 1 if order == "BGR" else -1
    if card:
        return (Feed("as its card says", lambda probe: _cast(probe[..., ::step], kind, card.spec.centre)),)
    mean = np.array(family.mean, np.float32)
    if kind.dtype == np.float32:
        return (Feed(f"pixel - mean, {order}", lambda probe: (probe - mean)[None, ..., ::step]),)
    ways = [Feed(f"the camera's bytes, {order}", lambda probe: _cast(probe[..., ::step], kind, 0))]
    if kind.scale and _holds_pixels(kind, mean):
        ways.append(
            Feed(f"pixel - mean, {order}, quantized", lambda probe: _quantize((probe - mean)[..., ::step], kind))
        )
    return tuple(ways)


def plausible(subject: Subject) -> set[str]:
    """Details of the input mistakes that a quantized input's own range does not rule out."""
    every = {one.detail for one in INPUT_MISTAKES}
    span = subject.input.scale * 255
    if not 0 < span < PIXEL_SPAN:
        return every
    mean = np.full(3, 115, np.float32)
    fitting = {one.detail for one in INPUT_MISTAKES if abs(np.ptp(one.make(PIXELS, mean)) / span - 1) < ALIKE}
    return fitting | {INPUT_MISTAKES[0].detail} if fitting else every


def _holds_pixels(kind: Input, mean: F32) -> bool:
    """Whether nearly all of pixel - mean has values in the input's range."""
    limits = np.iinfo(kind.dtype)
    low, high = (kind.scale * (limit - kind.zero_point) for limit in (limits.min, limits.max))
    wanted = (PIXELS - mean).min(), (PIXELS - mean).max()
    held = min(high, wanted[1]) - max(low, wanted[0])
    return bool(held > COVERED * (wanted[1] - wanted[0]))


def _cast(probe: U8, kind: Input, centre: int) -> NDArray[Any]:
    if kind.dtype == np.float32:
        return (probe.astype(np.float32) - np.float32(centre))[None]
    flip = np.uint8(0x80 if kind.dtype == np.int8 else 0)
    return np.asarray((np.ascontiguousarray(probe)[None] ^ flip).view(kind.dtype))


def _quantize(real: F32, kind: Input) -> NDArray[Any]:
    limits = np.iinfo(kind.dtype)
    values = np.round(real / kind.scale) + kind.zero_point
    return np.asarray(np.clip(values, limits.min, limits.max).astype(kind.dtype)[None])
