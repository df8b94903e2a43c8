"""Calibration: pictures as the device would see them, and the ranges the network's channels reach on them."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from convert.backend import keras, tf
from convert.equalize import Range
from convert.progress import watch
from edge_retinaface.data import F32, U8
from edge_retinaface.errors import UNREADABLE, ImageError
from edge_retinaface.images import IMAGE_SUFFIXES
from edge_retinaface.media import find_media, read_medium
from edge_retinaface.preprocess import letterbox
from edge_retinaface.spec import ModelSpec


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Letterboxed calibration pictures."""

    tensors: tuple[U8, ...]  # each uint8 (H, W, 3), the model's size and channel order
    centre: int  # the grey that the network sees as zero

    @classmethod
    def letterboxed(cls, pictures: Iterable[U8], spec: ModelSpec) -> Self:
        """From uint8 (height, width, 3) BGR pictures of any size, by the device's own letterbox."""
        tensors = []
        for picture in pictures:
            tensor = np.empty((*spec.input_hw, 3), np.uint8)
            letterbox(picture, "BGR", spec, tensor)
            tensors.append(tensor)
        if not tensors:
            raise ImageError("calibration: wanted at least one picture, found none")
        return cls(tuple(tensors), spec.centre)

    @property
    def digest(self) -> str:
        """sha256 over all pixels, in order."""
        digest = hashlib.sha256()
        for tensor in self.tensors:
            digest.update(tensor.tobytes())
        return digest.hexdigest()

    def inputs(self, what: str) -> Iterator[F32]:
        """Network inputs, float32 (1, H, W, 3), pixel - centre; `what` names the progress bar.

        The first picture gets a black and a white pixel in its last corner: then the input's range is -centre to
        255 - centre, its scale exactly 1, and a camera byte is a tensor byte.
        """
        for number, tensor in enumerate(watch(self.tensors, what, len(self.tensors))):
            picture = tensor[None].astype(np.float32)
            if number == 0:
                picture[0, -1, -2:] = np.array([0, 255])[:, None]
            yield picture - np.float32(self.centre)


def folder_pictures(folder: Path) -> Iterator[U8]:
    """Every picture in a folder and below, uint8 (height, width, 3) BGR, by name; ImageError for one that is none."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise ImageError(f"{folder}: wanted a folder of pictures, found {found}", exit_code=UNREADABLE)
    media = [medium for medium in find_media([folder]) if not medium.is_video]
    if not media:
        raise ImageError(f"{folder}: wanted pictures ({', '.join(sorted(IMAGE_SUFFIXES))}), found none")
    for medium in media:
        yield from read_medium(medium)


def measure_ranges(model: keras.Model, pictures: Pictures) -> dict[str, Range]:
    """The smallest and largest value of every convolution's output channels, before activation, over all pictures."""
    convolutions = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    outputs = {layer.name: layer.output for layer in model.layers if isinstance(layer, convolutions)}
    axes = (0, 1, 2)
    extremes = {name: (keras.ops.amin(x, axes), keras.ops.amax(x, axes)) for name, x in outputs.items()}
    measure = tf.function(keras.Model(model.input, extremes))
    lows: dict[str, list[F32]] = {name: [] for name in outputs}
    highs: dict[str, list[F32]] = {name: [] for name in outputs}
    for picture in pictures.inputs("measuring ranges"):
        for name, (low, high) in measure(picture).items():
            lows[name].append(np.asarray(low))
            highs[name].append(np.asarray(high))
    return {
        name: Range(np.min(lows[name], axis=0).astype(np.float64), np.max(highs[name], axis=0).astype(np.float64))
        for name in outputs
    }
