"""A TFLite graph under our own hands: what the int8 passes read, rewrite and run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from convert.backend import schema
from convert.tflite import pack, unpack

OPERATORS: dict[int, str] = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype(np.float32),
    schema.TensorType.INT32: np.dtype(np.int32),
    schema.TensorType.INT8: np.dtype(np.int8),
}
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
THREADS = 2  # a workstation has them


class Graph:
    """One TFLite model with a single subgraph, unpacked; `tensors` and `operators` are the schema's own lists."""

    def __init__(self, flatbuffer: bytes) -> None:
        self.model = unpack(flatbuffer)
        self.tensors = self.model.subgraphs[0].tensors
        self.operators = self.model.subgraphs[0].operators

    @property
    def inputs(self) -> list[int]:
        """Tensor numbers of the graph's inputs."""
        return [int(tensor) for tensor in self.model.subgraphs[0].inputs]

    @property
    def outputs(self) -> list[int]:
        """Tensor numbers of the graph's outputs."""
        return [int(tensor) for tensor in self.model.subgraphs[0].outputs]

    def pack(self, outputs: Iterable[int] | None = None) -> bytes:
        """The bytes of a TFLite file, with other outputs where some are named; what they do not need is left out."""
        if outputs is None:
            return pack(self.model)
        body = self.model.subgraphs[0]
        kept = (body.outputs, body.operators)
        body.outputs = np.array(list(dict.fromkeys(outputs)), np.int32)
        body.operators = self._needed(body.outputs)
        try:
            return pack(self.model)
        finally:
            body.outputs, body.operators = kept

    def _needed(self, outputs: Iterable[int]) -> list[Any]:
        wanted, kept = set(map(int, outputs)), []
        for operator in reversed(self.operators):
            if wanted & set(map(int, operator.outputs)):
                wanted |= set(map(int, operator.inputs))
                kept.append(operator)
        return kept[::-1]

    def kind(self, operator: Any) -> str:  # noqa: ANN401 - generated classes without types, here and below
        """The operator's name in TFLite's schema, CONV_2D and the like."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        return OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def convolutions(self) -> Iterator[Any]:
        """Convolutions, depthwise ones too, in the order in which they run."""
        return (operator for operator in self.operators if self.kind(operator) in CONVOLUTIONS)

    def slope(self, tensor: int) -> float:
        """What a value below zero is multiplied by on its way: less than 1 where only a leaky relu reads the tensor."""
        readers = [operator for operator in self.operators if tensor in map(int, operator.inputs)]
        if len(readers) != 1 or tensor in self.outputs:
            return 1.0
        match self.kind(readers[0]):
            case "LEAKY_RELU":
                return float(readers[0].builtinOptions.alpha)
            case "PRELU":
                return float(self.data(int(readers[0].inputs[1])).max())
            case _:
                return 1.0

    def data(self, tensor: int) -> NDArray[Any]:
        """A constant's values."""
        one = self.tensors[tensor]
        values: NDArray[Any] = np.frombuffer(bytes(self.model.buffers[one.buffer].data), DTYPES[one.type])
        return values.reshape(one.shape)

    def set_data(self, tensor: int, values: NDArray[Any]) -> None:
        """Give a constant new values, and the type that they have."""
        one = self.tensors[tensor]
        one.type = next(code for code, dtype in DTYPES.items() if dtype == values.dtype)
        one.shape = np.array(values.shape, np.int32)
        self.model.buffers[one.buffer].data = np.frombuffer(values.tobytes(), np.uint8)

    def add_tensor(self, name: str, like: int, shape: tuple[int, ...] = ()) -> int:
        """A new tensor without data, of another's type, quantization and, if none is given, shape; its number."""
        tensor = schema.TensorT()
        source = self.tensors[like]
        tensor.name, tensor.type, tensor.quantization = name.encode(), source.type, source.quantization
        tensor.shape = np.array(shape, np.int32) if shape else source.shape
        self.model.buffers.append(schema.BufferT())
        tensor.buffer = len(self.model.buffers) - 1
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def add_constant(self, name: str, values: NDArray[Any], like: int) -> int:
        """A new tensor with these values; `like` as for `add_tensor`, but for the type."""
        tensor = self.add_tensor(name, like)
        self.tensors[tensor].quantization = None
        self.set_data(tensor, values)
        return tensor

    def set_version(self, kind: str, version: int) -> None:
        """Which version of an operator the graph asks for: int8 came later than float."""
        code = getattr(schema.BuiltinOperator, kind)
        for one in self.model.operatorCodes:
            if max(one.builtinCode, one.deprecatedBuiltinCode) == code:
                one.version = version

    def make_operator(self, kind: str, inputs: list[int], outputs: list[int]) -> Any:  # noqa: ANN401
        """An operator without options; the caller puts it in its place."""
        code = getattr(schema.BuiltinOperator, kind)
        numbers = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in self.model.operatorCodes]
        if code not in numbers:
            added = schema.OperatorCodeT()
            added.builtinCode, added.deprecatedBuiltinCode, added.version = code, min(code, 127), 1
            self.model.operatorCodes.append(added)
            numbers.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = numbers.index(code)
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        return operator

    def make_reshape(self, source: int, target: int) -> Any:  # noqa: ANN401
        """The operator that reads one tensor as another of the same type and size; the caller puts it in its place."""
        shape = np.array(self.tensors[target].shape, np.int32)
        name = f"{self.tensors[target].name.decode()}.shape"
        operator = self.make_operator("RESHAPE", [source, self.add_constant(name, shape, target)], [target])
        operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = schema.ReshapeOptionsT()
        operator.builtinOptions.newShape = shape
        return operator


def run(flatbuffer: bytes, pictures: Iterable[NDArray[Any]]) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Outputs by name for each input picture (1, H, W, 3) of the model's own type."""
    interpreter = Interpreter(model_content=flatbuffer, num_threads=THREADS)
    interpreter.allocate_tensors()
    (picture_at,) = interpreter.get_input_details()
    outputs = interpreter.get_output_details()
    for picture in pictures:
        interpreter.set_tensor(picture_at["index"], picture)
        interpreter.invoke()
        yield {one["name"]: interpreter.get_tensor(one["index"]) for one in outputs}
