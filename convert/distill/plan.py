"""How long and how a student is trained."""

from typing import NamedTuple


class Plan(NamedTuple):
    """The settings of one training."""

    steps: int = 4000  # many more come closer to the teacher on such pictures, and lose faces on others
    batch: int = 4  # views a step
    view_hw: tuple[int, int] = (320, 320)
    rate: float = 0.001  # at its height, relative to the size of the weights; falls to 0 as a cosine
    stretch: float = 0.4  # how long kernels' steps are, beside the rate: Adam's elements are seldom 1 either
    blended: float = 0.4  # share of the views that show two at once
    scores: float = 3.0  # how much they count beside boxes and landmarks: more than these they decide what is found
    seed: int = 0
    held_back: float = 0.1  # share of the pictures that the best moment is judged by
    check_every: int = 250  # steps
    patience: int = 16  # checks without a new best: stop


WARM_UP = 0.02  # of the steps, while the rate rises
