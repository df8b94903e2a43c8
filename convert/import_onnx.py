"""ONNX exports of the network, whoever made them: read by what the graph computes, not by its names."""

from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from convert.families import Padding
from convert.layout import PICTURE
from convert.match import match
from convert.trace import Convolved, Expression, Found, Trace, no_change
from convert.weights import F64, Layer
from convert.families import Family
from edge_retinaface.errors import ModelError

PASSES = {"Identity", "Transpose", "Cast", "Dropout"}  # what changes neither values nor, in the end, their order
SYMMETRIC = (1, 1, 1, 1)
SAME_AFTER_EVEN = (0, 0, 1, 1)  # how exporters write TensorFlow's `same` at stride 2


def import_onnx(content: bytes, what: str) -> tuple[dict[str, Layer], tuple[Family, ...]]:
    """Folded layers by the layout's names, and the families they may be of; ModelError says what does not fit."""
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ModelError(f"{what}: wanted an ONNX model, found {len(content)} bytes that are none") from error
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
        for node in graph.node:
            self._read(node)

    def weight_names(self) -> list[str]:
        """Names of all float arrays that hold weights."""
        floats = [name for name, array in self.arrays.items() if array.dtype.kind == "f" and array.size]
        return [name for name in floats if name not in self.not_weights]

    def _read(self, node: onnx.NodeProto) -> None:
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        output = node.output[0]
        if node.op_type == "Constant":
            self._constant(output, attributes)
        elif node.op_type in PASSES and node.input[0] in self.roots:
            self.roots[output] = self.roots[node.input[0]]
        else:
            self.values[output] = self._operation(node, attributes)

    def _constant(self, name: str, attributes: dict[str, Any]) -> None:
        value = attributes.get("value")
        array = numpy_helper.to_array(value) if value is not None else np.asarray(next(iter(attributes.values())))
        self.arrays[name], self.roots[name] = array, name

    def _operation(self, node: onnx.NodeProto, attributes: dict[str, Any]) -> Expression:
        inputs = [self.values[name] for name in node.input if name in self.values]
        if not inputs:
            return self.trace.opaque(node.op_type)
        x = inputs[0]
        match node.op_type:
            case "Conv":
                return self._convolution(node, attributes, x)
            case "BatchNormalization":
                scale, shift, mean, var = (self._array(name) for name in node.input[1:5])
                var = var + attributes.get("epsilon", 1e-5)
                return self.trace.normalize(x, scale, shift, mean, var, {self.roots[name] for name in node.input[1:5]})
            case "Add" | "Mul" if len(inputs) == 1:
                return self._by_channel(node, x)
            case "LeakyRelu":
                return self.trace.activate("leaky_relu", x, attributes.get("alpha", 0.01))
            case "Relu":
                return self.trace.activate("relu", x)
            case "Clip":
                return self._clip(node, attributes, x)
            case "Add":
                return self.trace.add(inputs)
            case "Concat":
                return self.trace.join(inputs)
            case "Resize" | "Upsample" if attributes.get("mode", b"nearest") == b"nearest":
                self.not_weights.update(self.roots[name] for name in node.input[1:] if name in self.roots)
                return self.trace.upsample(x)
            case "Pad":
                return self._pad(node, attributes, x)
            case op if op in PASSES:
                return x
        return self.trace.opaque(node.op_type, *inputs)

    def _array(self, name: str) -> F64:
        if name not in self.roots:
            raise ModelError(f"{self.what}: wanted stored float weights, found {name}, which is computed")
        return self.arrays[self.roots[name]].astype(np.float64)

    def _convolution(self, node: onnx.NodeProto, attributes: dict[str, Any], x: Expression) -> Expression:
        names = [name for name in node.input[1:] if name]
        kernel = self._array(names[0])
        bias = self._array(names[1]) if len(names) > 1 else np.zeros(len(kernel))
        strides = set(attributes.get("strides", [1, 1]))
        group = attributes.get("group", 1)
        depthwise = group > 1
        rare = kernel.ndim != 4 or len(strides) != 1 or set(attributes.get("dilations", [1])) != {1}
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

    def _padding(self, node: onnx.NodeProto, attributes: dict[str, Any]) -> Padding | None:
        pads = tuple(attributes.get("pads", (0, 0, 0, 0)))
        pads = tuple(a + b for a, b in zip(pads, self.padded.get(node.input[0], (0, 0, 0, 0)), strict=True))
        if attributes.get("auto_pad") == b"SAME_UPPER" or pads == SAME_AFTER_EVEN:
            return "same"
        return "symmetric" if pads == SYMMETRIC else None

    def _by_channel(self, node: onnx.NodeProto, x: Expression) -> Expression:
        """A bias or a batch normalization that an exporter wrote as plain arithmetic."""
        names = [name for name in node.input if name in self.roots]
        if not isinstance(x, Convolved) or len(names) != 1:
            return self.trace.opaque(node.op_type, x)
        channels = len(self.trace.found[x.number].bias)
        values = self._array(names[0]).reshape(-1)
        if values.size not in (1, channels):
            return self.trace.opaque(node.op_type, x)
        scale, shift, mean, var = no_change(channels)
        scale, shift = (scale, shift + values) if node.op_type == "Add" else (scale * values, shift)
        return self.trace.normalize(x, scale, shift, mean, var, {self.roots[names[0]]})

    def _clip(self, node: onnx.NodeProto, attributes: dict[str, Any], x: Expression) -> Expression:
        names = [name for name in node.input[1:] if name]
        self.not_weights.update(self.roots[name] for name in names)
        limits = [float(self._array(name)) for name in names] or [attributes.get("min"), attributes.get("max")]
        return self.trace.activate("relu6", x) if limits == [0.0, 6.0] else self.trace.opaque(f"Clip {limits}", x)

    def _pad(self, node: onnx.NodeProto, attributes: dict[str, Any], x: Expression) -> Expression:
        pads = attributes.get("pads") or self.arrays[self.roots[node.input[1]]].tolist()
        self.not_weights.update(self.roots[name] for name in node.input[1:] if name in self.roots)
        # rows and columns, whichever of the four axes they are; the batch and the channels get nothing
        before, after = [n for n in pads[:4] if n] or [0], [n for n in pads[4:] if n] or [0]
        self.padded[node.output[0]] = (before[0], before[0], after[0], after[0])
        return x
