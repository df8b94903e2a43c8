"""The network in Keras 3, from the weights' table and their family's data."""

from typing import Literal

from convert.backend import keras, tf
from convert.families import Padding, Structure
from convert.layout import HEADS, PICTURE, Add, Concat, Conv
from convert.weights import Weights
from edge_retinaface.spec import check_input_hw

Target = Literal["cpu", "edgetpu"]  # the Edge TPU has PRELU and no LEAKY_RELU, XNNPACK the reverse


class NearestResize(keras.layers.Layer):  # type: ignore[misc] # keras has no types
    """Nearest-neighbour upsampling to a given size by floor(row * in / out), as PyTorch and ONNX do it.

    Keras's own layers either double (an odd level is not the double of the next) or sample at half pixels.
    """

    def __init__(self, size_hw: tuple[int, int], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.size_hw = size_hw

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(n, h, w, channels) to (n, *size_hw, channels)."""
        return tf.raw_ops.ResizeNearestNeighbor(images=x, size=self.size_hw, align_corners=False)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As `call`: Keras asks while it builds the graph."""
        return (shape[0], *self.size_hw, shape[3])

    def get_config(self) -> dict[str, object]:
        """What a saved model keeps of this layer."""
        return {**super().get_config(), "size_hw": self.size_hw}


def build_network(weights: Weights, input_hw: tuple[int, int], target: Target = "cpu", batch: int = 1) -> keras.Model:
    """A functional model: float32 (batch, H, W, 3) in, nine raw heads (batch, h, w, anchors * values) out, by name.

    Both targets compute the same.

    The input is what the weights expect: pixel - mean as imported, pixel - centre after `centre_input`.
    """
    check_input_hw(input_hw)
    image = keras.Input((*input_hw, 3), batch_size=batch, name=PICTURE)
    tensors = {PICTURE: image}
    for conv in weights.convs.values():
        tensors[conv.name] = _convolve(conv, _gather(conv, tensors), weights.family.structure, target)
    model = keras.Model(image, {name: tensors[name] for name in HEADS}, name="retinaface")
    for name, layer in weights.layers.items():
        model.get_layer(name).set_weights([layer.kernel, layer.bias])
    return model


def _gather(conv: Conv, tensors: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
    match conv.source:
        case Add(fine, coarse):
            total = f"{fine}.add"
            if total not in tensors:
                up = NearestResize(tensors[fine].shape[1:3], name=f"{fine}.up")(tensors[coarse])
                tensors[total] = keras.layers.Add(name=total)([tensors[fine], up])
            return tensors[total]
        case Concat(parts):
            joined = f"{parts[0]}.concat"
            if joined not in tensors:
                tensors[joined] = keras.layers.Concatenate(name=joined)([tensors[part] for part in parts])
            return tensors[joined]
        case name:
            return tensors[name]


def _convolve(conv: Conv, x: keras.KerasTensor, structure: Structure, target: Target) -> keras.KerasTensor:
    padding = "same"
    if conv.stride > 1:
        x, padding = _pad(x, structure.padding, conv.name)
    if conv.depthwise:
        layer = keras.layers.DepthwiseConv2D(conv.side, conv.stride, padding, name=conv.name)
    else:
        layer = keras.layers.Conv2D(conv.outputs, conv.side, conv.stride, padding, name=conv.name)
    return _activate(conv, layer(x), structure, target)


def _pad(x: keras.KerasTensor, padding: Padding, name: str) -> tuple[keras.KerasTensor, str]:
    """At stride 2 TensorFlow's `same` sees an even side one pixel further right than PyTorch does."""
    if padding == "same":
        return x, "same"
    _, height, width, _ = x.shape
    # after an even side PyTorch's last padded pixel is never read
    return keras.layers.ZeroPadding2D(((1, height % 2), (1, width % 2)), name=f"{name}.pad")(x), "valid"


def _activate(conv: Conv, x: keras.KerasTensor, structure: Structure, target: Target) -> keras.KerasTensor:
    name = f"{conv.name}.activation"
    match structure.activation(conv.place):
        case "leaky_relu" if target == "edgetpu":
            slope = keras.initializers.Constant(structure.slope)
            # one alpha a channel: the compiler maps no other PRELU
            return keras.layers.PReLU(slope, shared_axes=[1, 2], name=name)(x)
        case "leaky_relu":
            return keras.layers.LeakyReLU(structure.slope, name=name)(x)
        case "relu":  # before the concatenation, where the converter fuses it into the convolution
            return keras.layers.ReLU(name=name)(x)
        case "relu6":
            return keras.layers.ReLU(6.0, name=name)(x)
        case _:
            return x
