"""The model under examination: any .tflite with one picture for input, with our card or without."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.edgetpu.graph import COMPILED, DAMAGED
from convert.tflite import unpack
from edge_retinaface.data import F32
from edge_retinaface.errors import ModelError
from edge_retinaface.interpreter import load_package, without_greeting
from edge_retinaface.model_file import CARD_NAME, FLATBUFFER_ID, Card, read_content, read_model

CHANNELS = 3
NUMBERED = re.compile(r"(?:Identity|StatefulPartitionedCall|PartitionedCall)(?:_\d+)??(?:[_:](\d+))?")
FREE_SIDE = 320  # pixels, for a model that takes any size


class Output(NamedTuple):
    """One output tensor: `name` in the file, `key` in its signature, empty where it has none."""

    name: str
    key: str
    shape: tuple[int, ...]


class Input(NamedTuple):
    """The input tensor: real = scale * (value - zero_point); scale 0 for float."""

    hw: tuple[int, int]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int


class Subject:
    """One loaded model. ModelError if it is none, or takes something else than a picture."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.card, flatbuffer = _parts(path)
        model = _unpack(flatbuffer, str(path))
        if any(code.customCode == COMPILED.encode() for code in model.operatorCodes):
            raise ModelError(f"{path}: wanted a model for the processor, found one with {COMPILED}: examine its source")
        library = load_package("")
        try:
            with without_greeting():
                self._interpreter = library.Interpreter(model_content=flatbuffer)
                self.input = self._prepare()
        except (ValueError, RuntimeError) as error:
            reason = str(error).strip().split("\n")[0]
            raise ModelError(f"{path}: the interpreter refuses it: {reason}") from error
        self._details = self._ordered(model.signatureDefs or [])

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Outputs in the order of the signature, or of the file where it has none."""
        return tuple(Output(one["name"], key, tuple(map(int, one["shape"]))) for key, one in self._details)

    def run(self, tensor: NDArray[Any]) -> tuple[F32, ...]:
        """Real values of every output, for an input tensor (1, H, W, 3) of the model's own type."""
        self._interpreter.set_tensor(self._index, tensor)
        self._interpreter.invoke()
        return tuple(self._real(one) for _, one in self._details)

    def _prepare(self) -> Input:
        (details, *more) = self._interpreter.get_input_details()
        shape = [int(side) for side in details["shape"]]
        free = [int(side) for side in details.get("shape_signature", shape)]
        if more or len(shape) != 4 or shape[3] != CHANNELS or shape[0] != 1:  # noqa: PLR2004 # batch, rows, columns, channels
            raise ModelError(f"{self.path}: wanted one input (1, height, width, 3), found {len(more) + 1}, of {shape}")
        self._index = details["index"]
        if -1 in free[1:3]:
            self._interpreter.resize_tensor_input(self._index, [1, FREE_SIDE, FREE_SIDE, CHANNELS])
            shape = [1, FREE_SIDE, FREE_SIDE, CHANNELS]
        self._interpreter.allocate_tensors()
        dtype = np.dtype(details["dtype"])
        if dtype not in (np.float32, np.int8, np.uint8):
            raise ModelError(f"{self.path}: wanted a float32, int8 or uint8 input, found {dtype}")
        scale, zero_point = details["quantization"]
        return Input((shape[1], shape[2]), dtype, float(scale), int(zero_point))

    def _ordered(self, signatures: Any) -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 # generated classes
        details = self._interpreter.get_output_details()
        if len(signatures) != 1 or not signatures[0].outputs:
            return _by_number(details)
        by_index = {one["index"]: one for one in details}
        keys = {one.name.decode(): by_index.get(int(one.tensorIndex)) for one in signatures[0].outputs}
        if None in keys.values():
            return _by_number(details)
        # output_0, output_1, …: the order in which whoever converted it gave them
        return sorted(((key, one) for key, one in keys.items() if one), key=lambda pair: _number(pair[0]))

    def _real(self, details: dict[str, Any]) -> F32:
        values = self._interpreter.get_tensor(details["index"]).astype(np.float32)
        scale, zero_point = details["quantization"]
        return np.asarray((values - np.float32(zero_point)) * np.float32(scale) if scale else values, np.float32)


def _unpack(flatbuffer: bytes, what: str) -> Any:  # noqa: ANN401 # generated classes
    if flatbuffer[4:8] != FLATBUFFER_ID:
        raise ModelError(f"{what}: wanted a TFLite model, found {len(flatbuffer)} bytes that are none")
    try:
        model = unpack(flatbuffer)
    except DAMAGED as error:
        raise ModelError(f"{what}: wanted a TFLite model, found a damaged one ({error})") from error
    if not (model.subgraphs and model.operatorCodes):
        raise ModelError(f"{what}: wanted a TFLite model, found one without operations")
    return model


def _parts(path: Path) -> tuple[Card | None, bytes]:
    content = read_content(path)
    if CARD_NAME.encode() in content:
        model = read_model(path)
        return model.card, model.flatbuffer
    return None, content


def _by_number(details: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """In the order of the file, or of the numbers in Identity, Identity_1, … where the converter left those."""
    numbers = [NUMBERED.fullmatch(one["name"]) for one in details]
    if all(numbers):
        order = {id(one): int(number[1] or 0) for one, number in zip(details, numbers, strict=True) if number}
        details = sorted(details, key=lambda one: order[id(one)])
    return [("", one) for one in details]


def _number(key: str) -> tuple[int, str]:
    _, _, digits = key.rpartition("_")
    return (int(digits), "") if digits.isdecimal() else (0, key)
