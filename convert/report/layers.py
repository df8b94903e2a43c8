"""Where the error comes from: every activation of the float graph beside the same one of another graph."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from convert.evaluation.dataset import F64
from convert.graph import Graph, run
from edge_retinaface.data import U8
from edge_retinaface.model_file import ModelFile
from edge_retinaface.preprocess import letterbox

PERFECT = 120.0  # decibels; more is the arithmetic's own
BRIDGES = ("DEQUANTIZE", "QUANTIZE")  # another type, the same values


class Layer(msgspec.Struct, frozen=True):
    """One activation tensor."""

    name: str  # of the layer in the network's table, with .activation after its activation
    decibels: float  # signal to noise


def compare_layers(reference: ModelFile, candidate: ModelFile, pictures: Sequence[U8]) -> list[Layer]:
    """Every activation that both graphs have, in the order in which they run.

    Passes before quantization may scale a channel as long as the next layer undoes it, so each channel of the
    candidate is held against the multiple of the reference's that is nearest to it.
    """
    signal: dict[str, float] = {}
    noise: dict[str, float] = {}
    for ours, theirs in zip(_activations(candidate, pictures), _activations(reference, pictures), strict=True):
        for name in theirs.keys() & ours.keys():
            said, meant = (one.reshape(-1, one.shape[-1]).astype(np.float64) for one in (ours[name], theirs[name]))
            if said.shape == meant.shape:
                kept = (said * meant).sum(0) ** 2 / np.maximum((meant**2).sum(0), 1e-30)
                signal[name] = signal.get(name, 0.0) + float(kept.sum())
                noise[name] = noise.get(name, 0.0) + float(((said**2).sum(0) - kept).sum())
    order = [name for name in _names(Graph(reference.flatbuffer)).values() if name in signal]
    return [Layer(name, _decibels(signal[name], noise[name])) for name in order]


def _activations(model: ModelFile, pictures: Sequence[U8]) -> Iterator[Mapping[str, F64]]:
    """Real values by layer, picture by picture."""
    graph = Graph(model.flatbuffer)
    names = _names(graph)
    own = {graph.tensors[tensor].name.decode(): (name, _affine(graph, tensor)) for tensor, name in names.items()}
    for outputs in run(graph.pack(names), (_input(model, graph, one) for one in pictures)):
        yield {
            own[name][0]: (values.astype(np.float64) - own[name][1][1]) * own[name][1][0]
            for name, values in outputs.items()
        }


def _names(graph: Graph) -> dict[int, str]:
    """Layer names by the number of their tensor."""
    return {
        int(operator.outputs[0]): _layer_name(graph.tensors[int(operator.outputs[0])].name.decode())
        for operator in graph.operators
        if graph.kind(operator) not in BRIDGES
    }


def _layer_name(tensor: str) -> str:
    """The layer that a converter's name names: stage1.0 in retinaface_1/stage1.0_1/BiasAdd;retinaface_1/… ."""
    first = tensor.split(";", maxsplit=1)[0].split("/")
    return first[0] if len(first) == 1 else re.sub(r"_\d+$", "", first[1])


def _affine(graph: Graph, tensor: int) -> tuple[float, int]:
    quantization = graph.tensors[tensor].quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return 1.0, 0
    return float(quantization.scale[0]), int(quantization.zeroPoint[0])


def _input(model: ModelFile, graph: Graph, picture: U8) -> NDArray[Any]:
    spec = model.card.spec
    tensor = np.empty((*spec.input_hw, 3), np.uint8)
    letterbox(picture, "BGR", spec, tensor)
    scale, zero_point = _affine(graph, graph.inputs[0])
    real = tensor[None].astype(np.float32) - np.float32(spec.centre)
    is_float = model.card.quantization.mode in ("float32", "float16", "dynamic_range")
    return real if is_float else (real / scale + zero_point).astype(np.int8)


def _decibels(signal: float, noise: float) -> float:
    if noise <= 0:  # a constant, too
        return PERFECT
    return round(min(PERFECT, float(10 * np.log10(max(signal, 1e-30) / noise))), 2)
