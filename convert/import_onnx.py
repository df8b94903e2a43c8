"""ONNX exports of the network, whoever made them: read by what the graph computes, not by its names."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # comes with onnx
from onnx import numpy_helper

from convert.families import Family, Padding
from convert.layout import PICTURE
from convert.match import match
from convert.trace import Convolved, Expression, Found, Trace, no_change
from convert.weights import F64, KNOWN, Layer, widen
from edge_retinaface.errors import ModelError

PASSES = {"Identity", "Transpose", "Cast", "Dropout"}  # what changes neither values nor, in the end, their order
SYMMETRIC = (1, 1, 1, 1)
SAME_AFTER_EVEN = (0, 0, 1, 1)  # how exporters write TensorFlow's `same` at stride 2
KERNEL_DIMENSIONS = 4

Attributes = dict[str, Any]


def import_onnx(content: bytes, what: str) -> tuple[dict[str, Layer], tuple[Family, ...]]:
    """Folded layers by the layout's names, and the families they may be of; ModelError says what does not fit."""
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ModelError(f"{what}: wanted {KNOWN}, found {len(content)} bytes that are none") from error
    reader = _Reader(model.graph, what)
    return match(reader.trace, reader.weight_names(), what)


class _Reader:
    """One walk over the nodes, in the file's (topological) order."""

    def __init__(self, graph: onnx.GraphProto, what: str) -> None:
        self.what = what
        self.trace = Trace()
        self.arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self.roots = {name: name for name in self.arrays}  # alias to array: exporters rename shared arrays
        pictures = [one.name for one in graph.input if one.name not in self.arrays]
        self.values: dict[str, Expression] = dict.fromkeys(pictures, PICTURE)
        self.padded: dict[str, tuple[int, ...]] = {}  # tensors with an explicit Pad before their convolution
        self.not_weights: set[str] = set()  # arrays that are settings of an operation: sizes, scales, limits
        self.operations: dict[str, Callable[[onnx.NodeProto, Attributes, list[Expression]], Expression]] = {
            "Conv": self._convolution,
            "BatchNormalization": self._batch_norm,
            "LeakyRelu": self._leaky,
            "Relu": self._relu,
            "Clip": self._clip,
            "Add": self._add,
            "Mul": self._by_channel,
            "Concat": self._concat,
            "Resize": self._resize,
            "Upsample": self._resize,
            "Pad": self._pad,
            **dict.fromkeys(PASSES, self._pass),
        }
        for node in graph.node:
            self._read(node)

    def weight_names(self) -> list[str]:
        """Names of all float arrays that hold weights."""
        floats = [name for name, array in self.arrays.items() if array.dtype.kind == "f" and array.size]
        return [name for name in floats if name not in self.not_weights]

    def _read(self, node: onnx.NodeProto) -> None:
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        output = node.output[0]
        inputs = [self.values[name] for name in node.input if name in self.values]
        if node.op_type == "Constant":
            value = attributes.get("value")
            values = next(iter(attributes.values())) if value is None else numpy_helper.to_array(value)
            self.arrays[output], self.roots[output] = np.asarray(values), output
        elif node.op_type in PASSES and node.input[0] in self.roots:
            self.roots[output] = self.roots[node.input[0]]
        elif inputs and node.op_type in self.operations:
            self.values[output] = self.operations[node.op_type](node, attributes, inputs)
        else:
            self.values[output] = self.trace.opaque(node.op_type, *inputs)

    def _batch_norm(self, node: onnx.NodeProto, attributes: Attributes, inputs: list[Expression]) -> Expression:
        scale, shift, mean, var = (self._array(name) for name in node.input[1:5])
        var = var + attributes.get("epsilon", 1e-5)
        return self.trace.normalize(inputs[0], scale, shift, mean, var, {self.roots[name] for name in node.input[1:5]})

    def _leaky(self, _: onnx.NodeProto, attributes: Attributes, inputs: list[Expression]) -> Expression:
        return self.trace.activate("leaky_relu", inputs[0], attributes.get("alpha", 0.01))

    def _relu(self, _: onnx.NodeProto, __: Attributes, inputs: list[Expression]) -> Expression:
        return self.trace.activate("relu", inputs[0])

    def _clip(self, node: onnx.NodeProto, attributes: Attributes, inputs: list[Expression]) -> Expression:
        names = [name for name in node.input[1:] if name]
        self._settings(names)
        limits: list[float | None] = [float(self._array(name)) for name in names] or [
            attributes.get("min"),
            attributes.get("max"),
        ]
        if limits == [0.0, 6.0]:
            return self.trace.activate("relu6", inputs[0])
        return self.trace.opaque(f"Clip {limits}", inputs[0])

    def _add(self, node: onnx.NodeProto, attributes: Attributes, inputs: list[Expression]) -> Expression:
        return self.trace.add(inputs) if len(inputs) > 1 else self._by_channel(node, attributes, inputs)

    def _concat(self, _: onnx.NodeProto, __: Attributes, inputs: list[Expression]) -> Expression:
        return self.trace.join(inputs)

    def _resize(self, node: onnx.NodeProto, attributes: Attributes, inputs: list[Expression]) -> Expression:
        self._settings(node.input[1:])
        mode = attributes.get("mode", b"nearest")
        return self.trace.upsample(inputs[0]) if mode == b"nearest" else self.trace.opaque(f"Resize {mode}", *inputs)

    def _pad(self, node: onnx.NodeProto, attributes: Attributes, inputs: list[Expression]) -> Expression:
        pads = attributes.get("pads") or self.arrays[self.roots[node.input[1]]].tolist()
        self._settings(node.input[1:])
        half = len(pads) // 2
        # rows and columns, whichever of the axes they are: the batch and the channels get nothing
        before, after = ([n for n in side if n] or [0] for side in (pads[:half], pads[half:]))
        self.padded[node.output[0]] = (before[0], before[0], after[0], after[0])
        return inputs[0]

    def _pass(self, _: onnx.NodeProto, __: Attributes, inputs: list[Expression]) -> Expression:
        return inputs[0]

    def _settings(self, names: Iterable[str]) -> None:
        self.not_weights.update(self.roots[name] for name in names if name in self.roots)

    def _array(self, name: str) -> F64:
        if name not in self.roots:
            raise ModelError(f"{self.what}: wanted stored float weights, found {name}, which is computed")
        return widen(self.arrays[self.roots[name]])

    def _convolution(self, node: onnx.NodeProto, attributes: Attributes, inputs: list[Expression]) -> Expression:
        x = inputs[0]
        names = [name for name in node.input[1:] if name]
        kernel = self._array(names[0])
        bias = self._array(names[1]) if len(names) > 1 else np.zeros(len(kernel))
        strides = set(attributes.get("strides", [1, 1]))
        group = attributes.get("group", 1)
        depthwise = group > 1
        rare = kernel.ndim != KERNEL_DIMENSIONS or len(strides) != 1 or set(attributes.get("dilations", [1])) != {1}
        if rare or (depthwise and (group != len(kernel) or kernel.shape[1] != 1)):
            return self.trace.opaque(f"Conv {list(kernel.shape)} in {group} groups", x)
        found = Found(
            source=x,
            kernel=np.ascontiguousarray(kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))),
            bias=bias,
            stride=strides.pop(),
            depthwise=depthwise,
            padding=self._padding(node, attributes),
            arrays=frozenset(self.roots[name] for name in names),
        )
        return self.trace.convolve(found)

    def _padding(self, node: onnx.NodeProto, attributes: Attributes) -> Padding | None:
        pads = tuple(attributes.get("pads", (0, 0, 0, 0)))
        pads = tuple(a + b for a, b in zip(pads, self.padded.get(node.input[0], (0, 0, 0, 0)), strict=True))
        if attributes.get("auto_pad") == b"SAME_UPPER" or pads == SAME_AFTER_EVEN:
            return "same"
        return "symmetric" if pads == SYMMETRIC else None

    def _by_channel(self, node: onnx.NodeProto, _: Attributes, inputs: list[Expression]) -> Expression:
        """A bias or a batch normalization that an exporter wrote as plain arithmetic."""
        names = [name for name in node.input if name in self.roots]
        x = inputs[0]
        if not isinstance(x, Convolved) or len(names) != 1:
            return self.trace.opaque(node.op_type, *inputs)
        channels = len(self.trace.found[x.number].bias)
        values = self._array(names[0]).reshape(-1)
        if values.size not in (1, channels):
            return self.trace.opaque(node.op_type, x)
        scale, shift, mean, var = no_change(channels)
        scale, shift = (scale, shift + values) if node.op_type == "Add" else (scale * values, shift)
        return self.trace.normalize(x, scale, shift, mean, var, {self.roots[names[0]]})
