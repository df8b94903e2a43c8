"""A model file beside the float network of the weights it was made from, output by output."""

from collections.abc import Iterable

import msgspec
import numpy as np

from convert.backend import keras
from convert.layout import HEADS, STRIDES, VALUES, Kind, head_name
from convert.network import build_network
from convert.observe import LEAST_LOGIT
from convert.weights import Weights, centre_input
from edge_retinaface.data import F32, U8
from edge_retinaface.errors import ModelError
from edge_retinaface.interpreter import Interpreter
from edge_retinaface.model_file import ModelFile
from edge_retinaface.preprocess import letterbox
from edge_retinaface.spec import ANCHORS_PER_CELL, ModelSpec

SURE = 0.3  # float score from which an anchor's box and landmarks matter
# a good int8 file has 20 and more in all outputs, one that was not equalized 13; wrong padding or channels have under 8
LEAST_DECIBELS = 12.0
Outputs = dict[str, F32]  # by head name


class Fidelity(msgspec.Struct, frozen=True):
    """How far one output is from the float network's."""

    output: str
    decibels: float  # signal to noise; boxes and landmarks of sure anchors only, NaN where there are none
    largest_error: float  # in the output's own unit
    signal: float  # root mean square of the float values


def verify(model: ModelFile, weights: Weights, pictures: Iterable[U8]) -> list[Fidelity]:
    """One row an output, in the order of the model file. `pictures` are uint8 BGR of any size.

    ModelError if the model's input or anchors are not those of the weights.
    """
    spec = model.card.spec
    if spec.anchor_sizes != weights.family.anchor_sizes or spec.mean != weights.family.mean:
        raise ModelError(f"{model.path}: wanted anchors and mean of family {weights.family.name}, found others")
    network = build_network(centre_input(weights, spec.centre), spec.input_hw)
    interpreter = Interpreter(model)
    return fidelity((raw_outputs(interpreter, one), _float_outputs(network, one, spec)) for one in pictures)


def fidelity(pairs: Iterable[tuple[Outputs, Outputs]]) -> list[Fidelity]:
    """One row an output, over what a model and the float network said of the same pictures."""
    ours: dict[str, list[F32]] = {name: [] for name in HEADS}
    floats: dict[str, list[F32]] = {name: [] for name in HEADS}
    for found, wanted in pairs:
        for stride in STRIDES:
            sure = wanted[head_name("scores", stride)].reshape(-1) > np.log(SURE / (1 - SURE))
            for kind in VALUES:
                name, rows = head_name(kind, stride), slice(None) if kind == "scores" else sure
                least = LEAST_LOGIT if kind == "scores" else -np.inf
                ours[name].append(np.maximum(_rows(found[name], kind)[rows], least))
                floats[name].append(np.maximum(_rows(wanted[name], kind)[rows], least))
    return [_fidelity(name, np.concatenate(ours[name]), np.concatenate(floats[name])) for name in HEADS]


def passes(rows: Iterable[Fidelity]) -> bool:
    """Whether no measured output is further from float than quantization explains."""
    return all(not row.decibels < LEAST_DECIBELS for row in rows)  # NaN is no evidence


def raw_outputs(interpreter: Interpreter, picture: U8) -> Outputs:
    """Real values of every output for a BGR picture; copies: the interpreter's own must be gone before its next run."""
    interpreter.fill(picture, "BGR")
    return {
        head_name(kind, stride): (tensor.values.astype(np.float32) - np.float32(tensor.zero_point)) * tensor.scale
        for stride, level in zip(STRIDES, interpreter.invoke(), strict=True)
        for kind, tensor in zip(VALUES, level, strict=True)
    }


def _float_outputs(network: keras.Model, picture: U8, spec: ModelSpec) -> Outputs:
    tensor = np.empty((*spec.input_hw, 3), np.uint8)
    letterbox(picture, "BGR", spec, tensor)
    bgr = tensor if spec.order == "BGR" else tensor[..., ::-1]
    outputs = network(bgr[None].astype(np.float32) - np.float32(spec.centre))
    return {name: np.asarray(value) for name, value in outputs.items()}


def _rows(values: F32, kind: Kind) -> F32:
    """One row an anchor."""
    cells = values.size // (ANCHORS_PER_CELL * VALUES[kind])
    return values.reshape(cells * ANCHORS_PER_CELL, VALUES[kind])


def _fidelity(name: str, said: F32, meant: F32) -> Fidelity:
    if not meant.size:
        return Fidelity(name, float("nan"), float("nan"), float("nan"))
    error, signal = said - meant, float(np.sqrt(np.mean(meant**2)))
    noise = max(float(np.sqrt(np.mean(error**2))), 1e-12)
    return Fidelity(name, float(20 * np.log10(max(signal, 1e-12) / noise)), float(np.abs(error).max()), signal)
