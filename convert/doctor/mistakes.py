"""The mistakes the doctor knows, as data: their names, what to do about them, and what the network sees by them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_retinaface.data import F32

HEALTHY = "healthy"
ADVICE = {
    HEALTHY: "Nothing to do.",
    "channels_swapped": "Give the pictures in the other channel order, or swap the first convolution's input channels.",
    "divided_by_255": "Leave the pixels at 0..255, subtract the mean, calibrate again: these weights know no 0..1.",
    "scaled_to_one": "Leave the pixels at 0..255, subtract the mean, calibrate again: these weights know no -1..1.",
    "imagenet_normalised": "Subtract the mean and divide by nothing: these weights never saw ImageNet's normalisation.",
    "mean_twice": "Subtract the mean once: give raw pixels, or take the subtraction out of the graph.",
    "mean_missing": "Subtract the mean of the training pictures, before the network or inside it, and calibrate so.",
    "stretched": "Letterbox: scale by one factor and pad. Convert at the size the pictures are given in.",
    "outputs_mislabelled": "Read the outputs as found below, and correct the names, the order or the card.",
    "wrong_anchors": "Put the anchors into the card that the weights were trained with.",
    "wrong_variances": "Put the variances into the card that the weights were trained with.",
    "wrong_input_size": "Put the size of the model's own input into the card: anchors are laid out by it.",
    "softmax_twice": "Read the scores as the probabilities they are, or take one softmax out.",
    "softmax_missing": "The scores are logits: read them so, or put a sigmoid behind them.",
    "dead_scores": "Calibrate the score outputs again, one tensor a level, or leave them in float.",
    "not_finite": "Convert in float32: half precision is too narrow for some weights or activations.",
    "unexplained": "Give the weights this model was made from with --reference.",
}


class InputMistake(NamedTuple):
    """What reaches the network instead of pixel - mean."""

    name: str
    detail: str
    make: Callable[[F32, F32], NDArray[Any]]  # pixels 0..255 (H, W, 3) and mean (3,), BGR


IMAGENET_MEAN = np.array([0.406, 0.456, 0.485], np.float32)  # BGR, of pixels 0..1
IMAGENET_DEVIATION = np.array([0.225, 0.224, 0.229], np.float32)


def _swap(pixels: F32) -> F32:
    return pixels[..., ::-1]


def _centred(mean: F32) -> NDArray[Any]:
    """What our converter folds into the first bias, so that a file takes pixel - centre.

    Nothing beside whole pixels, much beside pixels of 0..1.
    """
    return np.asarray(mean.mean().round() - mean, np.float32)


INPUT_MISTAKES = (
    InputMistake(HEALTHY, "pixel - mean", lambda p, m: p - m),
    InputMistake("channels_swapped", "the other channel order", lambda p, m: _swap(p) - m),
    InputMistake("channels_swapped", "the other channel order, mean too", lambda p, m: _swap(p - m)),
    InputMistake("mean_twice", "pixel - 2 mean", lambda p, m: p - 2 * m),
    InputMistake("mean_missing", "pixel", lambda p, _: p),
    InputMistake("divided_by_255", "pixel / 255", lambda p, _: p / 255),
    InputMistake("divided_by_255", "(pixel - mean) / 255", lambda p, m: (p - m) / 255),
    InputMistake("divided_by_255", "pixel / 255 in the other channel order", lambda p, _: _swap(p) / 255),
    InputMistake("divided_by_255", "pixel / 255, centred", lambda p, m: p / 255 + _centred(m)),
    InputMistake("divided_by_255", "(pixel - mean) / 255, centred", lambda p, m: (p - m) / 255 + _centred(m)),
    InputMistake("scaled_to_one", "pixel / 127.5 - 1, centred", lambda p, m: p / 127.5 - 1 + _centred(m)),
    InputMistake(
        "scaled_to_one", "(pixel - mean) / 127.5 - 1, centred", lambda p, m: (p - m) / 127.5 - 1 + _centred(m)
    ),
    InputMistake("scaled_to_one", "pixel / 127.5 - 1", lambda p, _: p / 127.5 - 1),
    InputMistake("scaled_to_one", "(pixel - mean) / 127.5 - 1", lambda p, m: (p - m) / 127.5 - 1),
    InputMistake("scaled_to_one", "(pixel - mean) / 127.5", lambda p, m: (p - m) / 127.5),
    InputMistake("scaled_to_one", "pixel / 127.5 - 1 in the other channel order", lambda p, _: _swap(p) / 127.5 - 1),
    InputMistake(
        "imagenet_normalised",
        "(pixel / 255 - mean of ImageNet) / its deviation",
        lambda p, _: (p / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION,
    ),
    InputMistake(
        "imagenet_normalised",
        "the same in the other channel order",
        lambda p, _: (_swap(p) / 255 - IMAGENET_MEAN[::-1]) / IMAGENET_DEVIATION[::-1],
    ),
)
