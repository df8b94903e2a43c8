"""A network as small as one with nine heads can be, and scenes of noise."""

import numpy as np

from convert.backend import keras
from convert.distill.plan import Plan
from convert.distill.scenes import Scene
from convert.layout import HEADS, VALUES

PLAN = Plan(steps=8, batch=2, view_hw=(32, 64), check_every=4)
MEAN = (104.0, 117.0, 123.0)


def tiny_network(seed: int) -> keras.Model:
    """One convolution a head: float32 (2, 32, 64, 3) to all heads by name, weights random."""
    image = keras.Input((*PLAN.view_hw, 3), batch_size=PLAN.batch)
    outputs = {}
    for number, name in enumerate(HEADS):
        kind, _, stride = name.partition("_")
        values = next(count for known, count in VALUES.items() if known == kind)
        start = keras.initializers.RandomNormal(stddev=0.01, seed=100 * seed + number)
        outputs[name] = keras.layers.Conv2D(2 * values, int(stride), int(stride), kernel_initializer=start)(image)
    return keras.Model(image, outputs)


def noise_scenes() -> tuple[Scene, ...]:
    """Six pictures of coarse noise, each with a box."""
    chance = np.random.default_rng(0)
    box = np.array([[20, 20, 40, 45]], np.float32)
    return tuple(Scene(chance.integers(0, 256, (12, 16, 3), np.uint8).repeat(5, 0).repeat(5, 1), box) for _ in range(6))
