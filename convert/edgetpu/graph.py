"""Any TFLite file as plain operations and tensors."""

import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.backend import schema
from convert.tflite import unpack
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import FLATBUFFER_ID

COMPILED = "edgetpu-custom-op"  # what the compiler puts in place of everything it mapped
DAMAGED = (struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


OPERATORS = _names(schema.BuiltinOperator)
TYPES = _names(schema.TensorType)
ACTIVATIONS = _names(schema.ActivationFunctionType)


class Tensor(NamedTuple):
    """One tensor; `data` is None unless it is a compile-time constant."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # INT8, UINT8, FLOAT32, …
    scales: int  # quantization scales: 0 none, 1 a tensor, more: one a channel
    data: bytes | None

    @property
    def size(self) -> int:
        """Elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def integers(self) -> NDArray[np.int64]:
        """The values of a constant of whole numbers, flat: axes, sizes, paddings."""
        dtype = {"INT64": np.int64, "INT32": np.int32, "INT8": np.int8, "UINT8": np.uint8}[self.dtype]
        return np.frombuffer(self.data or b"", dtype).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Op:
    """One operation; absent inputs are None."""

    index: int
    name: str  # CONV_2D, …; CUSTOM for all that TFLite does not define
    custom: str  # the name of a custom operation, else empty
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    reads: tuple[int, ...]  # indices of the tensors it waits for: inputs that are no constants
    writes: tuple[int, ...]
    options: Any  # the schema's options object, None where an operation has none

    def input(self, position: int) -> Tensor | None:
        """The input at this position, None if it is absent."""
        return self.inputs[position] if position < len(self.inputs) else None

    def option(self, name: str, default: int = 0) -> int:
        """A number or flag of the options."""
        return int(getattr(self.options, name, default) or 0)


class Graph(NamedTuple):
    """The file's first subgraph, operations in execution order."""

    ops: tuple[Op, ...]
    parameter_bytes: int  # of every constant
    subgraphs: int

    @property
    def compiled(self) -> bool:
        """Whether the Edge TPU's compiler has been here already."""
        return any(op.custom == COMPILED for op in self.ops)


def read_graph(content: bytes, what: str) -> Graph:
    """The graph of a TFLite file, whoever made it; ModelError if `content` is none."""
    if content[4:8] != FLATBUFFER_ID:
        raise ModelError(f"{what}: wanted a TFLite model, found {len(content)} bytes that are none")
    try:
        return _graph(unpack(content))
    except DAMAGED as error:
        raise ModelError(f"{what}: wanted a TFLite model, found a damaged one ({error})") from error


def _graph(model: Any) -> Graph:  # noqa: ANN401 # generated classes without types
    graph = model.subgraphs[0]
    tensors = [_tensor(tensor, model.buffers) for tensor in graph.tensors]
    codes = [_code(code) for code in model.operatorCodes]
    ops = []
    for index, op in enumerate(graph.operators):
        inputs = [int(one) for one in _list(op.inputs)]
        writes = tuple(int(one) for one in _list(op.outputs))
        if not writes:
            raise IndexError(f"operation {index} puts out nothing")  # joins the reader's own complaints
        reads = tuple(one for one in inputs if one >= 0 and tensors[one].data is None)
        name, custom, version = codes[op.opcodeIndex]
        ops.append(
            Op(
                index=index,
                name=name,
                custom=custom,
                version=version,
                inputs=tuple(tensors[one] if one >= 0 else None for one in inputs),
                outputs=tuple(tensors[one] for one in writes),
                reads=reads,
                writes=writes,
                options=op.builtinOptions,
            )
        )
    parameters = sum(len(tensor.data) for tensor in tensors if tensor.data)
    return Graph(tuple(ops), parameters, len(model.subgraphs))


def _tensor(tensor: Any, buffers: Any) -> Tensor:  # noqa: ANN401 # generated classes without types
    scale = None if tensor.quantization is None else tensor.quantization.scale
    data = buffers[tensor.buffer].data
    return Tensor(
        name=_text(tensor.name),
        shape=tuple(int(side) for side in _list(tensor.shape)),
        dtype=TYPES[tensor.type],
        scales=len(_list(scale)),
        data=np.asarray(data, np.uint8).tobytes() if data is not None and len(data) else None,
    )


def _code(code: Any) -> tuple[str, str, int]:  # noqa: ANN401 # generated classes without types
    # before 2020 the code was one byte; newer writers fill both fields
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return OPERATORS.get(number, f"BUILTIN_{number}"), _text(code.customCode), int(code.version)


def _list(values: Any) -> Any:  # noqa: ANN401 # an array, a list or nothing
    return () if values is None else values


def _text(name: bytes | str | None) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name or ""
