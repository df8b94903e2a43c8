"""The PyTorch families' network written as ONNX, node by node: an independent second implementation for the tests.

Weights are random and batch normalization stays apart unless asked; names say nothing, as in other people's exports.
"""

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1))
LEVELS_AFTER = (5, 11, 13)


class Writer:
    def __init__(
        self,
        seed: int = 0,
        *,
        fold: bool = False,
        twice: bool = False,
        slope: float = 0.1,
        width: int = 8,
        alias: bool = False,
        neck: str = "leaky",
        given: Iterator[tuple[NDArray[np.generic], ...]] | None = None,
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.fold, self.twice, self.slope, self.width, self.alias = fold, twice, slope, width, alias
        self.nodes, self.arrays, self.numbers, self.neck, self.given = [], [], count(), neck, given

    def name(self) -> str:
        return f"t{next(self.numbers)}"

    def array(self, values: ArrayLike) -> str:
        name = self.name()
        self.arrays.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        if not self.alias:
            return name
        return self.node("Identity", [name])

    def node(self, kind: str, inputs: list[str], **attributes: object) -> str:
        output = self.name()
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def trained(self, shape: tuple[int, ...]) -> tuple[NDArray[np.generic], ...]:
        """Kernel, gamma, beta, mean and variance of the next convolution; a head has only kernel and beta."""
        if self.given is not None:
            return next(self.given)
        kernel = self.random.normal(0, (1.5 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
        gamma, beta = self.random.uniform(0.7, 1.3, shape[0]), self.random.normal(0, 0.1, shape[0])
        return kernel, gamma, beta, self.random.normal(0, 0.1, shape[0]), self.random.uniform(0.5, 1.5, shape[0])

    def conv(
        self,
        x: str,
        inputs: int,
        outputs: int,
        side: int,
        stride: int = 1,
        *,
        groups: int = 1,
        norm: bool = True,
        act: str | None = None,
    ) -> str:
        kernel, gamma, beta, mean, var = self.trained((outputs, inputs // groups, side, side))
        settings = {"strides": [stride, stride], "pads": [side // 2] * 4, "group": groups, "kernel_shape": [side, side]}
        if not norm:
            return self.node("Conv", [x, self.array(kernel), self.array(beta)], **settings)
        if self.fold:
            factor = gamma / np.sqrt(var + 1e-5)
            arrays = [self.array(kernel * factor[:, None, None, None]), self.array(beta - mean * factor)]
            x = self.node("Conv", [x, *arrays], **settings)
        else:
            x = self.node("Conv", [x, self.array(kernel)], **settings)
            arrays = [self.array(values) for values in (gamma, beta, mean, var)]
            x = self.node("BatchNormalization", [x, *arrays], epsilon=1e-5)
        return self.activate(x, act or self.neck)

    def activate(self, x: str, act: str) -> str:
        if act == "leaky":
            return self.node("LeakyRelu", [x], alpha=self.slope)
        return self.node("Relu", [x]) if act == "relu" else x

    def add_up(self, fine: str, coarse: str) -> str:
        """Upsampled to the size of `fine`, whatever that is, as PyTorch exports F.interpolate."""
        size = self.node("Shape", [fine])
        up = self.node("Resize", [coarse, "", "", size], mode="nearest", nearest_mode="floor",
                       coordinate_transformation_mode="asymmetric")  # fmt: skip
        return self.node("Add", [up, fine])

    def context(self, x: str) -> str:
        three = self.conv(x, 64, 32, 3, act="none")
        before = self.random.bit_generator.state
        five_1 = again = self.conv(x, 64, 16, 3)
        if self.twice:  # the shared convolution exported as two, each with a copy of the weights
            self.random.bit_generator.state = before
            again = self.conv(x, 64, 16, 3)
        seven = self.conv(self.conv(again, 16, 16, 3), 16, 16, 3, act="none")
        five = self.conv(five_1, 16, 16, 3, act="none")
        return self.node("Relu", [self.node("Concat", [three, five, seven], axis=1)])

    def model(self, act: str = "leaky") -> onnx.ModelProto:
        """Picture (1, 3, H, W) to loc (n, 4), conf (n, 2), landmarks (n, 10)."""
        x = self.conv("picture", 3, self.width, 3, 2, act=act)
        levels, channels = [], self.width
        for number, (wider, stride) in enumerate(BLOCKS, start=1):
            x = self.conv(x, channels, channels, 3, stride, groups=channels, act=act)
            x, channels = self.conv(x, channels, wider, 1, act=act), wider
            if number in LEVELS_AFTER:
                levels.append(x)
        one, two, three = (self.conv(y, width, 64, 1) for y, width in zip(levels, (64, 128, 256), strict=True))
        two = self.conv(self.add_up(two, three), 64, 64, 3)
        one = self.conv(self.add_up(one, two), 64, 64, 3)
        features = [self.context(y) for y in (one, two, three)]
        outputs = []
        for values in (4, 2, 10):
            shape = numpy_helper.from_array(np.array([1, -1, values]), self.name())
            self.arrays.append(shape)
            heads = [self.conv(y, 64, 2 * values, 1, norm=False) for y in features]
            rows = [self.node("Reshape", [self.node("Transpose", [y], perm=[0, 2, 3, 1]), shape.name]) for y in heads]
            outputs.append(self.node("Concat", rows, axis=1))
        outputs[1] = self.node("Softmax", [outputs[1]], axis=2)
        picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "h", "w"])
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "network", [picture], infos, self.arrays)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def write(**settings: object) -> bytes:
    """The bytes of such a model."""
    act = settings.pop("act", "leaky")
    return Writer(**settings).model(act).SerializeToString()


def edit(content: bytes, change: Callable[[onnx.GraphProto], None]) -> bytes:
    """The bytes after `change(graph)`."""
    model = onnx.load_model_from_string(content)
    change(model.graph)
    return model.SerializeToString()
