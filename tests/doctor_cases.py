"""Models with one mistake each, really made, for the doctor: by the converter, in the flatbuffer, or on the card."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from convert_weights import quantize_to
from doctor_models import SIZE, Array, convert, foreign
from doctor_surgery import (
    INPUTS,
    INT8_INPUTS,
    add_sigmoids,
    edit_first,
    edit_input,
    edit_scores,
    rescale_scores,
    select,
    stretch,
)

from convert.backend import keras
from convert.calibrate import Pictures
from convert.network import build_network
from convert.quantize import make_spec
from convert.sample_pictures import sample_scenes
from convert.tflite import Mode
from convert.weights import Weights
from edge_retinaface.model_file import Card, Output, read_model, write_model

WIDE = (192, 256)  # what a stretching graph takes
SCENES = 8


class Case(NamedTuple):
    """A model file and what is wrong with it."""

    label: str
    mistake: str
    path: Path


def replace_spec(card: Card, **spec: object) -> Card:
    """The card with some numbers of its spec replaced."""
    return msgspec.structs.replace(card, spec=dataclasses.replace(card.spec, **spec))


def relabel(card: Card, swapped: tuple[str, str]) -> Card:
    """The card with the names of two outputs exchanged."""
    first, second = swapped
    names = {first: second, second: first}
    outputs = tuple(msgspec.structs.replace(one, name=names.get(one.name, one.name)) for one in card.outputs)
    return msgspec.structs.replace(card, outputs=outputs)


def as_probabilities(card: Card) -> Card:
    """The card saying that the score values are probabilities."""
    outputs: tuple[Output, ...] = tuple(
        msgspec.structs.replace(one, meaning="probability") if one.kind == "scores" else one for one in card.outputs
    )
    return msgspec.structs.replace(card, outputs=outputs)


Keep = Callable[..., None]
SIZES = ((16, 32), (64, 128), (256, 512))
CARDS: dict[str, dict[str, dict[str, Any]]] = {
    "wrong_anchors": {
        "sizes doubled": {"anchor_sizes": tuple((2 * a, 2 * b) for a, b in SIZES)},
        "sizes of another training": {"anchor_sizes": ((10, 20), (32, 64), (128, 256))},
        "pairs exchanged": {"anchor_sizes": tuple((b, a) for a, b in SIZES)},
        "levels exchanged": {"anchor_sizes": SIZES[::-1]},
        "strides 4, 8, 16": {"strides": (4, 8, 16)},
        "strides backwards": {"strides": (32, 16, 8)},
    },
    "wrong_variances": {"exchanged": {"variances": (0.2, 0.1)}, "both 1": {"variances": (1.0, 1.0)}},
    "wrong_input_size": {"512x512": {"input_hw": (512, 512)}, "sides exchanged": {"input_hw": (128, 512)}},
    "channels_swapped": {"RGB": {"order": "RGB"}},
}
EXCHANGED = (("boxes_16", "scores_8"), ("boxes_8", "landmarks_8"), ("scores_16", "scores_32"))


class Collection:
    """Cases as they are made, each a file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cases: list[Case] = []

    def keep(self, label: str, mistake: str, content: bytes, card: Card | None = None) -> None:
        """Write a case down."""
        path = self.folder / f"{len(self.cases)}.tflite"
        if card:
            write_model(path, content, card)
        else:
            path.write_bytes(content)
        self.cases.append(Case(label, mistake, path))


def make_cases(weights: Weights, folder: Path) -> list[Case]:
    """Every mistake on float files, most on int8 ones, and good files of every kind; under a minute's work."""
    into = Collection(folder)
    _cards(*_ours(weights, folder, "float32"), "float32", into.keep)
    _floats(*_ours(weights, folder, "float32"), into.keep)
    _cards(*_ours(weights, folder, "int8"), "int8", into.keep)
    _integers(*_ours(weights, folder, "int8"), into.keep)
    others = convert(foreign(weights))
    _others("others float32", others, into.keep)
    into.keep("others float32, stretched by the graph", "stretched", stretch(select(others, PLAIN), WIDE))
    return into.cases


def make_slow_cases(weights: Weights, folder: Path) -> list[Case]:
    """Files of other converters in int8 and uint8, and int8 files calibrated on wrong pictures."""
    into = Collection(folder)
    for mode in ("dynamic_range", "float16"):
        into.keep(f"ours {mode}", "healthy", *_ours(weights, folder, mode))

    def raw(shift: float = 0.0) -> Callable[[], Iterator[Array]]:
        return lambda: (picture[None].astype(np.float32) - np.float32(shift) for picture in sample_scenes(SIZE, 8))

    _others("others int8", convert(foreign(weights), raw(115)), into.keep)
    centred = foreign(weights, keras.layers.Rescaling(1.0, offset=-115.0))
    _others("others uint8", convert(centred, raw(), "uint8"), into.keep)
    fronts: dict[str, Callable[[Array], Array]] = {
        "divided_by_255": lambda x: x / 255,
        "scaled_to_one": lambda x: x / 127.5 - 1,
    }
    for mistake, front in fronts.items():  # the weights want pixel - mean, and the user's script does this
        scaled = convert(build_network(weights, SIZE), lambda front=front: map(front, raw()()))
        into.keep(f"others int8, calibrated with {mistake}", mistake, scaled)
    return into.cases


def _ours(weights: Weights, folder: Path, mode: Mode) -> tuple[bytes, Card]:
    """A file of our own converter."""
    path = folder / f"{mode}.tflite"
    if not path.exists():
        spec = make_spec(weights, SIZE)
        pictures = Pictures.letterboxed(sample_scenes(SIZE, SCENES), spec) if mode == "int8" else None
        quantize_to(path, weights, spec, mode, pictures)
    model = read_model(path)
    return model.flatbuffer, model.card


def _cards(content: bytes, card: Card, mode: str, keep: Keep) -> None:
    keep(f"ours {mode}", "healthy", content, card)
    keep(f"ours {mode}, card lost", "healthy", content)
    for mistake, several in CARDS.items():
        for label, change in several.items():
            keep(f"ours {mode}, card: {label}", mistake, content, replace_spec(card, **change))
    for names in EXCHANGED:
        keep(f"ours {mode}, card: {names[0]} and {names[1]}", "outputs_mislabelled", content, relabel(card, names))
    keep(f"ours {mode}, card: scores are probabilities", "softmax_missing", content, as_probabilities(card))


def _floats(content: bytes, card: Card, keep: Keep) -> None:
    keep("ours float32, card: no mean", "mean_missing", content, replace_spec(card, mean=(0.0, 0.0, 0.0)))
    for mistake, change in INPUTS.items():
        keep(f"ours float32, {mistake}", mistake, edit_first(content, change), card)
        keep(f"ours float32, card lost, {mistake}", mistake, edit_first(content, change))
    swapped = edit_first(content, INPUTS["channels_swapped"])
    card_of_wide = replace_spec(card, input_hw=WIDE)
    keep("ours float32, stretched by the graph", "stretched", stretch(content, WIDE), card_of_wide)
    keep("ours float32 for RGB, and says so", "healthy", swapped, replace_spec(card, order="RGB"))
    keep("ours float32, scores all alike", "dead_scores", edit_scores(content, scale=1e-3), card)
    keep("ours float32, scores stuck high", "dead_scores", edit_scores(content, scale=1e-2, bias=6), card)
    keep("ours float32, scores faint", "dead_scores", edit_scores(content, scale=0.1), card)
    broken = edit_first(content, lambda k, b: (k * np.float32("inf"), b))
    keep("ours float32, infinite weights", "not_finite", broken, card)
    sigmoid = add_sigmoids(content)
    keep("ours float32, sigmoid in the graph", "softmax_twice", sigmoid, card)
    keep("ours float32, sigmoid in the graph, card says so", "healthy", sigmoid, as_probabilities(card))


def _integers(content: bytes, card: Card, keep: Keep) -> None:
    for mistake, (scale, zero_point) in INT8_INPUTS.items():
        wrong = edit_input(content, scale, zero_point)
        keep(f"ours int8, {mistake}", mistake, wrong, card)
        keep(f"ours int8, card lost, {mistake}", mistake, wrong)
    swapped = edit_first(content, INPUTS["channels_swapped"])
    keep("ours int8, channels_swapped", "channels_swapped", swapped, card)
    keep("ours int8, card lost, channels_swapped", "channels_swapped", swapped)
    for factor in (1 / 40, 1000):
        collapsed = rescale_scores(content, factor)
        keep(f"ours int8, score range times {factor:g}", "dead_scores", collapsed, card)
        keep(f"ours int8, card lost, score range times {factor:g}", "dead_scores", collapsed)


PLAIN = ["boxes", "scores", "landmarks"]


def _others(label: str, content: bytes, keep: Keep) -> None:
    """A file as other converters make it, without a card, and what is done wrong to it."""
    keep(label, "healthy", select(content, PLAIN))
    keep(f"{label}, named", "healthy", select(content, PLAIN[::-1], called=["ldm_reg", "conf", "bbox"]))
    keep(f"{label}, logits", "healthy", select(content, ["boxes", "logits", "landmarks"]))
    keep(f"{label}, softmax twice", "softmax_twice", select(content, ["boxes", "twice", "landmarks"]))
    keep(f"{label}, classes exchanged", "outputs_mislabelled", select(content, ["boxes", "background", "landmarks"]))
    keep(f"{label}, outputs exchanged", "outputs_mislabelled", select(content, ["scores", "boxes", "landmarks"]))
    names = ["landmarks", "scores", "bbox"]
    keep(f"{label}, names exchanged", "outputs_mislabelled", select(content, PLAIN, called=names))
    for order in ("coarse", "turned"):
        wrong = [f"{order}_{kind}" for kind in PLAIN]
        keep(f"{label}, anchors {order}", "outputs_mislabelled", select(content, wrong))
