"""Keras models of the network: by their graph where the file has one, else by their layers' names."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from convert.by_name import Key, Role, Stored, layers_by_name
from convert.families import KERAS, Family, Padding
from convert.keras_file import read_keras
from convert.layout import PICTURE
from convert.match import match
from convert.names import keras_naming
from convert.trace import Expression, Found, Trace
from convert.weights import F64, Layer, widen
from edge_retinaface.errors import ModelError

SLOPES = ("negative_slope", "alpha")  # of LeakyReLU: Keras 3's and Keras 2's word
PASSES = {"Dropout", "SpatialDropout2D"}
UPSAMPLING = ("UpSampling2D", "UpsampleLike", "NearestResize")  # the last two are custom layers: the authors', ours
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D")
Node = tuple[str, int]  # a layer's name and which of its calls


def import_keras(content: bytes, what: str) -> tuple[dict[str, Layer], tuple[Family, ...]]:
    """Folded layers by the layout's names, and the families they may be of; ModelError says what does not fit."""
    file = read_keras(content, what)
    if file.layers is not None:
        reader = _Reader(file.layers, file.arrays, what)
        return match(reader.trace, [stored.name for stored in file.arrays.values()], what)
    naming = keras_naming(key.prefix for key in file.arrays)
    return layers_by_name(file.arrays, naming, KERAS.epsilon, what), (KERAS,)


class _Reader:
    """One walk over the layers' calls, sources first."""

    def __init__(self, layers: list[dict[str, Any]], arrays: dict[Key, Stored], what: str) -> None:
        self.arrays, self.what = arrays, what
        self.trace = Trace()
        self.values: dict[Node, Expression] = {}
        self.padded: dict[Node, tuple[tuple[int, int], tuple[int, int]]] = {}
        waiting = {
            (layer["config"]["name"], number): (layer, sources)
            for layer in layers
            for number, sources in enumerate(_calls(layer))
        }
        while waiting:
            ready = [node for node, (_, sources) in waiting.items() if all(one in self.values for one in sources)]
            if not ready:
                raise ModelError(
                    f"{what}: wanted a graph from picture to heads, found {next(iter(waiting))[0]} without source"
                )
            for node in ready:
                layer, sources = waiting.pop(node)
                self.values[node] = self._call(layer, node, sources)

    def _call(self, layer: dict[str, Any], node: Node, sources: list[Node]) -> Expression:
        kind, config = layer["class_name"], layer["config"]
        inputs = [self.values[one] for one in sources]
        if kind == "InputLayer":
            return PICTURE
        if kind in CONVOLUTIONS:
            return self._activation(config, self._convolution(kind, config, sources[0]))
        if kind == "ZeroPadding2D":
            (top, bottom), (left, right) = config["padding"]
            self.padded[node] = (top, bottom), (left, right)
            return inputs[0]
        if kind in PASSES:
            return inputs[0]
        return self._plain(kind, config, inputs)

    def _plain(self, kind: str, config: dict[str, Any], inputs: list[Expression]) -> Expression:
        """An operation that needs nothing but its settings and inputs."""
        x = inputs[0]
        operations: dict[str, Callable[[], Expression]] = {
            "BatchNormalization": lambda: self._normalization(config, x),
            "LeakyReLU": lambda: self.trace.activate("leaky_relu", x, _slope(config)),
            "Activation": lambda: self._activation(config, x),
            "ReLU": lambda: self._activation(config, x),
            "Add": lambda: self.trace.add(inputs),
            "Concatenate": lambda: self.trace.join(inputs),
            **dict.fromkeys(UPSAMPLING, lambda: self.trace.upsample(x)),
        }
        if kind not in operations or config.get("interpolation", "nearest") != "nearest":
            return self.trace.opaque(f"{kind} {config['name']}", *inputs)
        return operations[kind]()

    def _convolution(self, kind: str, config: dict[str, Any], source: Node) -> Expression:
        x, name = self.values[source], config["name"]
        strides = {int(stride) for stride in config["strides"]}
        kernel = self._array(name, "kernel")
        rare = len(strides) != 1 or config.get("groups", 1) != 1 or set(config.get("dilation_rate", [1])) != {1}
        if kernel is None or rare or config.get("data_format", "channels_last") != "channels_last":
            return self.trace.opaque(f"{kind} {name}", x)
        depthwise = kind == "DepthwiseConv2D"
        bias = self._array(name, "bias")
        found = Found(
            source=x,
            kernel=kernel,
            bias=np.zeros(kernel.shape[2 if depthwise else 3]) if bias is None else bias,
            stride=strides.pop(),
            depthwise=depthwise,
            padding=_padding(config["padding"], self.padded.get(source)),
            arrays=self._names(name, "kernel", "bias"),
        )
        return self.trace.convolve(found)

    def _normalization(self, config: dict[str, Any], x: Expression) -> Expression:
        name = config["name"]
        mean, var = self._array(name, "mean"), self._array(name, "variance")
        if mean is None or var is None:
            raise ModelError(f"{self.what}: {name}: wanted moving mean and variance, found none")
        scale, shift = self._array(name, "gamma"), self._array(name, "beta")
        return self.trace.normalize(
            x,
            np.ones_like(mean) if scale is None else scale,
            np.zeros_like(mean) if shift is None else shift,
            mean,
            var + float(config["epsilon"]),
            set(self._names(name, "gamma", "beta", "mean", "variance")),
        )

    def _activation(self, config: dict[str, Any], x: Expression) -> Expression:
        """What a layer's own activation, an Activation or a ReLU layer does."""
        if "max_value" in config:
            slope = float(config.get("negative_slope") or 0)
            kind = {None: "relu", 6.0: "relu6"}.get(config["max_value"]) if not slope else None
        else:
            activation = config.get("activation", "linear")
            kind = activation if isinstance(activation, str) else activation.get("config", activation.get("class_name"))
        if kind == "linear":
            return x
        if kind in ("relu", "relu6"):
            return self.trace.activate("relu" if kind == "relu" else "relu6", x)
        return self.trace.opaque(f"{kind} in {config['name']}", x)

    def _array(self, layer: str, role: Role) -> F64 | None:
        stored = self.arrays.get(Key(layer, role))
        return None if stored is None else widen(stored.values)

    def _names(self, layer: str, *roles: Role) -> frozenset[str]:
        return frozenset(self.arrays[Key(layer, role)].name for role in roles if Key(layer, role) in self.arrays)


def _slope(config: dict[str, Any]) -> float:
    return next((float(config[name]) for name in SLOPES if name in config), math.nan)


def _padding(written: str, padded: tuple[tuple[int, int], tuple[int, int]] | None) -> Padding | None:
    if padded is None:
        return "same" if written == "same" else None
    if written != "valid":
        return None
    # before an even side the last padded pixel is never read, so (1, 0) is as symmetric as (1, 1)
    return (
        "symmetric" if {pair[0] for pair in padded} == {1} else "same" if {pair[0] for pair in padded} == {0} else None
    )


def _calls(layer: dict[str, Any]) -> Iterator[list[Node]]:
    """The sources of every call of a layer, as Keras 2 or Keras 3 writes them."""
    if layer["class_name"] == "InputLayer":
        yield []
    for call in layer["inbound_nodes"]:
        yield list(_sources(call))


def _sources(part: Any) -> Iterator[Node]:  # noqa: ANN401 # JSON
    if isinstance(part, dict):
        if "keras_history" in part:
            yield part["keras_history"][0], int(part["keras_history"][1])
        else:
            for value in part.values():
                yield from _sources(value)
    elif isinstance(part, list):
        if len(part) >= 3 and isinstance(part[0], str) and isinstance(part[1], int):  # noqa: PLR2004 # name, call, tensor
            yield part[0], part[1]
        else:
            for value in part:
                yield from _sources(value)
