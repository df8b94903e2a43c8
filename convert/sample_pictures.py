"""Calibration pictures for those who have none: faces that installed packages ship, placed in scenes they ship too."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import matplotlib as mpl
import numpy as np
import skimage

from edge_retinaface.data import U8
from edge_retinaface.images import read_image

SCENES = ("coffee.png", "rocket.jpg", "chelsea.png", "motorcycle_left.png", "camera.png", "brick.png", "grass.png",
          "gravel.png", "astronaut.png", "hubble_deep_field.jpg")  # fmt: skip
SEED = 20  # any; fixed, so that everyone's default model is calibrated on the same pictures
FACES_A_SCENE = (1, 9)
FACE_SIDES = (10, 320)  # pixels, in a picture of REFERENCE_SIDE; drawn evenly in the logarithm
REFERENCE_SIDE = 640


class Portrait(NamedTuple):
    """A picture of one person, and where the face is in it."""

    pixels: U8  # uint8 (height, width, 3) BGR
    face_side: float  # pixels


def sample_scenes(input_hw: tuple[int, int], count: int) -> Iterator[U8]:
    """`count` pictures, uint8 (H, W, 3) BGR, the same ones at every call."""
    folder = Path(skimage.__file__).parent / "data"
    scenes = [read_image(folder / name) for name in SCENES]
    portraits = _portraits(folder)
    chance = np.random.default_rng(SEED)
    for number in range(count):
        picture = _background(scenes[number % len(scenes)], input_hw, chance)
        for _ in range(int(chance.integers(*FACES_A_SCENE))):
            _place(portraits[int(chance.integers(len(portraits)))], picture, chance)
        yield _light(picture, chance)


def _portraits(folder: Path) -> list[Portrait]:
    """Two people in colour, each several times, since they are better pictures than the hundred small grey ones."""
    astronaut = read_image(folder / "astronaut.png")
    hopper = read_image(Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    people = [Portrait(astronaut[0:330, 80:390], 130), Portrait(hopper[20:420, 60:500], 180)]
    small = (np.load(folder / "lfw_subset.npy")[:100] * 255).astype(np.uint8)  # the first hundred are faces, 25 x 25
    grey = [Portrait(cv2.cvtColor(face, cv2.COLOR_GRAY2BGR), 23) for face in small]
    return people * 40 + grey


def _background(scene: U8, input_hw: tuple[int, int], chance: np.random.Generator) -> U8:
    """A random part of a scene, as large as the picture."""
    height, width = input_hw
    zoom = max(height / scene.shape[0], width / scene.shape[1]) * chance.uniform(1, 2)
    grown = np.asarray(cv2.resize(scene, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR), np.uint8)
    top = int(chance.integers(grown.shape[0] - height + 1))
    left = int(chance.integers(grown.shape[1] - width + 1))
    return np.ascontiguousarray(grown[top : top + height, left : left + width])


def _place(portrait: Portrait, picture: U8, chance: np.random.Generator) -> None:
    """Blend a portrait into the picture, in place: random size, tilt, side and spot; it may hang over the edge."""
    height, width = picture.shape[:2]
    low, high = np.log(np.array(FACE_SIDES) * max(height, width) / REFERENCE_SIDE)
    scale = float(np.exp(chance.uniform(low, high))) / portrait.face_side
    pixels = portrait.pixels[:, :: int(chance.choice([-1, 1]))]
    tall, broad = pixels.shape[:2]
    turn = np.asarray(cv2.getRotationMatrix2D((broad / 2, tall / 2), chance.normal(0, 12), scale), np.float64)
    turn[:, 2] += chance.uniform(0, [width, height]) - np.array([broad / 2, tall / 2])
    # shrunk first where it is small: warping alone would skip pixels
    shrink = min(1.0, 2 * scale)
    pixels = np.asarray(cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    turn[:, :2] /= shrink
    mask = np.zeros(pixels.shape[:2], np.float32)
    border = max(1, pixels.shape[0] // 12)
    mask[border:, border:-border] = 1
    soft = cv2.blur(mask, (border, border))
    moved = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR)
    alpha = cv2.warpAffine(soft, turn, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    picture[...] = (moved * alpha + picture * (1 - alpha)).round()


def _light(picture: U8, chance: np.random.Generator) -> U8:
    """Another exposure, white balance and sharpness."""
    colour = chance.normal(1, 0.06, 3) * chance.uniform(0.6, 1.3)
    lit = np.clip(picture * colour + chance.normal(0, 12), 0, 255).astype(np.uint8)
    blur = int(chance.choice([1, 1, 1, 3]))
    return np.asarray(cv2.blur(lit, (blur, blur)), np.uint8)
