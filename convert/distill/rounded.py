"""A TFLite float graph as a Keras model that rounds where its int8 file will, so that training can make up for it.

Gradients pass rounding as if it were not there, and stop where a value is clipped (Jacob et al., Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018, section 3). Ranges are learned too.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from convert.backend import keras, schema, tf
from convert.graph import CONVOLUTIONS, Graph
from convert.int8 import SAME_SCALE, Range, scale_groups, share
from edge_retinaface.data import F32

TO_KERAS = (1, 2, 3, 0)  # TFLite's (outputs, rows, columns, inputs), depthwise (1, rows, columns, channels)
TO_TFLITE = (3, 0, 1, 2)
SLOPE_STEPS = 256  # XNNPACK multiplies what goes through a leaky relu by whole parts of this


class RoundedNetwork(keras.Model):  # type: ignore[misc] # keras has no types
    """Float32 pictures (n, H, W, 3) in, pixel - centre; the graph's outputs by name, as its int8 file would say them.

    `ranges` are by tensor number; operators whose numbers are in `floats` stay float.
    """

    def __init__(self, graph: Graph, ranges: Mapping[int, Range], floats: Collection[int] = ()) -> None:
        super().__init__()
        self._graph = graph
        self._floats = frozenset(floats)
        self._leaders = scale_groups(graph, ranges)
        self._spans = share(graph, ranges)
        self._rounds = {int(one.outputs[0]) for number, one in enumerate(graph.operators) if self._is_rounded(number)}
        learned = {self._leaders[tensor] for tensor in self._rounds} - {self._leaders[graph.inputs[0]]}
        self._stretches = {
            str(leader): self._variable(np.zeros(2, np.float32), f"range_{leader}")  # logarithms, low and high
            for leader in sorted(learned)
        }
        self._kernels, self._biases = {}, {}
        for number, operator in enumerate(graph.operators):
            if graph.kind(operator) in CONVOLUTIONS:
                _, kernel, bias = map(int, operator.inputs)
                name = graph.tensors[int(operator.outputs[0])].name.decode()
                self._kernels[str(number)] = self._variable(graph.data(kernel).transpose(TO_KERAS), f"{name}.kernel")
                self._biases[str(number)] = self._variable(graph.data(bias), f"{name}.bias")
        self.built = True

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator] # nothing in it to convert
    def call(self, pictures: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:  # noqa: ARG002, FBT001 - Keras's
        """All outputs, by name."""
        values = {self._graph.inputs[0]: pictures}
        for number, operator in enumerate(self._graph.operators):
            tensor = int(operator.outputs[0])
            value = self._compute(number, operator, values)
            values[tensor] = self._round(value, tensor) if tensor in self._rounds else value
        return {self._graph.tensors[tensor].name.decode(): values[tensor] for tensor in self._graph.outputs}

    def write(self, graph: Graph) -> dict[int, Range]:
        """Give a float graph of the same network, of any input size, the constants as they are; the ranges."""
        if [graph.kind(one) for one in graph.operators] != [self._graph.kind(one) for one in self._graph.operators]:
            raise ValueError("wanted the same network at another size")
        ranges = {}
        for number, (ours, theirs) in enumerate(zip(self._graph.operators, graph.operators, strict=True)):
            if str(number) in self._kernels:
                _, kernel, bias = map(int, theirs.inputs)
                weights = np.asarray(self._kernels[str(number)]).transpose(TO_TFLITE)
                graph.set_data(kernel, np.ascontiguousarray(weights, np.float32))
                graph.set_data(bias, np.asarray(self._biases[str(number)], np.float32))
            low, high = self._range(int(ours.outputs[0]))
            ranges[int(theirs.outputs[0])] = Range(float(low), float(high))
        return {graph.inputs[0]: self._spans[self._graph.inputs[0]], **ranges}

    def _variable(self, value: F32, name: str) -> Any:  # noqa: ANN401 - keras has no types
        return self.add_weight(shape=value.shape, initializer=lambda *_, **__: value, name=name.replace("/", "_"))

    def _is_rounded(self, number: int) -> bool:
        """Whether an operator's output is rounded: by itself, or on its way to one that is int8."""
        operator = self._graph.operators[number]
        if self._graph.kind(operator) in SAME_SCALE:
            return False  # what it copies is already
        tensor = int(operator.outputs[0])
        readers = [place for place, one in enumerate(self._graph.operators) if tensor in map(int, one.inputs)]
        return number not in self._floats or any(place not in self._floats for place in readers)

    def _range(self, tensor: int) -> tuple[tf.Tensor, tf.Tensor]:
        span, stretch = self._spans[tensor], self._stretches.get(str(self._leaders[tensor]))
        if stretch is None:
            return tf.constant(span.low, tf.float32), tf.constant(span.high, tf.float32)
        return min(span.low, 0.0) * tf.exp(stretch[0]), max(span.high, 0.0) * tf.exp(stretch[1])

    def _round(self, value: tf.Tensor, tensor: int) -> tf.Tensor:
        return tf.quantization.fake_quant_with_min_max_vars(value, *self._range(tensor))

    def _compute(  # noqa: PLR0911 - one an operator
        self,
        number: int,
        operator: Any,  # noqa: ANN401
        values: Mapping[int, tf.Tensor],
    ) -> tf.Tensor:
        kind, tensors = self._graph.kind(operator), list(map(int, operator.inputs))
        value = values[tensors[0]]
        match kind:
            case "CONV_2D" | "DEPTHWISE_CONV_2D":
                return self._convolve(number, operator, value)
            case "LEAKY_RELU" if number not in self._floats:
                return self._leak(value, operator)
            case "LEAKY_RELU":
                return tf.nn.leaky_relu(value, operator.builtinOptions.alpha)
            case "PRELU":
                return tf.nn.leaky_relu(value, float(self._graph.data(tensors[1]).max()))
            case "PAD":
                return tf.pad(value, self._graph.data(tensors[1]))
            case "RESIZE_NEAREST_NEIGHBOR":
                size_hw = self._graph.data(tensors[1])
                return tf.raw_ops.ResizeNearestNeighbor(images=value, size=size_hw, align_corners=False)
            case "ADD":
                return value + values[tensors[1]]
            case "CONCATENATION":
                return tf.concat([values[tensor] for tensor in tensors], axis=-1)
            case _:
                raise ValueError(f"{kind}: wanted an operator of the network")

    def _convolve(self, number: int, operator: Any, value: tf.Tensor) -> tf.Tensor:  # noqa: ANN401
        depthwise = self._graph.kind(operator) == "DEPTHWISE_CONV_2D"
        kernel = tf.convert_to_tensor(self._kernels[str(number)])
        if number not in self._floats:
            kernel = round_kernel(kernel, depthwise=depthwise)
        options = operator.builtinOptions
        strides = (1, options.strideH, options.strideW, 1)
        padding = "SAME" if options.padding == schema.Padding.SAME else "VALID"
        convolve = tf.nn.depthwise_conv2d if depthwise else tf.nn.conv2d
        value = convolve(value, kernel, strides, padding) + self._biases[str(number)]
        match options.fusedActivationFunction:
            case schema.ActivationFunctionType.RELU:
                return tf.nn.relu(value)
            case schema.ActivationFunctionType.RELU6:
                return tf.nn.relu6(value)
            case _:
                return value

    def _leak(self, value: tf.Tensor, operator: Any) -> tf.Tensor:  # noqa: ANN401
        (low, high), (least, most) = (self._range(int(one[0])) for one in (operator.inputs, operator.outputs))
        ratio = tf.stop_gradient(SLOPE_STEPS * (high - low) / (most - least))
        above = tf.round(ratio) / ratio
        below = tf.round(operator.builtinOptions.alpha * ratio) / ratio
        return tf.where(value > 0, above * value, below * value)


def round_kernel(kernel: tf.Tensor, *, depthwise: bool) -> tf.Tensor:
    """A kernel in Keras layout as int8 stores it, as `convert.int8.round_weights`."""
    channels = kernel[..., 0] if depthwise else kernel  # the operator wants the channels last
    most = tf.stop_gradient(tf.reduce_max(tf.abs(channels), axis=tuple(range(len(channels.shape) - 1))))
    most = tf.maximum(most, 1e-12)
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(channels, -most, most, narrow_range=True)
    return rounded[..., None] if depthwise else rounded
