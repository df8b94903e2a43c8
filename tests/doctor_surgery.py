"""Mistakes made in the flatbuffer itself: weights, quantization, operations and outputs changed."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.backend import schema
from convert.tflite import pack, unpack

MEAN = np.array([104.0, 117.0, 123.0])
Array = NDArray[Any]
Tree = Any  # of the schema's generated classes


def select(content: bytes, names: list[str], *, called: list[str] | None = None) -> bytes:
    """Only these outputs of a file, in this order; `called` renames the tensors. The signature goes."""
    model = unpack(content)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    index = {one.name.decode(): one.tensorIndex for one in signature.outputs}
    graph.outputs = np.array([index[name] for name in names], np.int32)
    for name, new in zip(names, called or [f"Identity_{n}" for n in range(len(names))], strict=True):
        graph.tensors[index[name]].name = new.encode()
    model.signatureDefs = None
    return pack(model)


def edit_first(content: bytes, change: Callable[[Array, Array], tuple[Array, Array]]) -> bytes:
    """A file whose first convolution has other weights: kernel (outputs, rows, columns, inputs) and bias, as stored."""
    model = unpack(content)
    graph = model.subgraphs[0]
    op = next(op for op in graph.operators if op.builtinOptionsType == 1)
    kernel, bias = (graph.tensors[index] for index in op.inputs[1:3])
    shape = tuple(kernel.shape)
    types = (np.float32, np.float32) if kernel.type == 0 else (np.int8, np.int32)
    stored = zip((kernel, bias), types, strict=True)
    values = [np.frombuffer(bytes(model.buffers[one.buffer].data), dtype) for one, dtype in stored]
    changed = change(values[0].reshape(shape), values[1])
    for tensor, value, dtype in zip((kernel, bias), changed, types, strict=True):
        model.buffers[tensor.buffer].data = np.frombuffer(value.astype(dtype).tobytes(), np.uint8)
    return pack(model)


INPUTS: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    # several pixels a cell, where the converter arranged it so
    "channels_swapped": lambda k, b: (k.reshape(*k.shape[:-1], -1, 3)[..., ::-1].reshape(k.shape), b),
    "divided_by_255": lambda k, b: (k / 255, b),
    "scaled_to_one": lambda k, b: (k / 127.5, b - k.sum((1, 2, 3))),
    "mean_twice": lambda k, b: (k, b - k.sum((1, 2)) @ MEAN),
    "mean_missing": lambda k, b: (k, b + k.sum((1, 2)) @ MEAN),
}


INT8_INPUTS = {  # scale and zero point of an input calibrated on what the weights do not want
    "divided_by_255": (1 / 255, -128),
    "scaled_to_one": (2 / 255, 0),
    "mean_twice": (1.0, 102),
    "mean_missing": (1.0, -128),
}


def edit_input(content: bytes, scale: float, zero_point: int) -> bytes:
    """An int8 file whose input, and the padding after it, means something else."""
    model = unpack(content)
    graph = model.subgraphs[0]
    first = next(place for place, op in enumerate(graph.operators) if op.builtinOptionsType == 1)
    before = [op.outputs[0] for op in graph.operators[:first]]  # reshaped and padded, the picture still
    for index in (graph.inputs[0], *before):
        graph.tensors[index].quantization.scale = np.array([scale], np.float32)
        graph.tensors[index].quantization.zeroPoint = np.array([zero_point], np.int64)
    bias = graph.tensors[graph.operators[first].inputs[2]]
    stored = np.frombuffer(bytes(model.buffers[bias.buffer].data), np.int32)
    model.buffers[bias.buffer].data = np.frombuffer((stored / scale).round().astype(np.int32).tobytes(), np.uint8)
    bias.quantization.scale = bias.quantization.scale * np.float32(scale)
    return pack(model)


def edit_scores(content: bytes, *, scale: float = 1.0, bias: float = 0.0) -> bytes:
    """A float file with other score convolutions."""
    model = unpack(content)
    graph = model.subgraphs[0]
    ends = {index for index in graph.outputs if b"scores" in graph.tensors[index].name}
    for op in graph.operators:
        if op.outputs[0] in ends:
            for index, change in zip(op.inputs[1:3], ((scale, 0.0), (scale, bias)), strict=True):
                buffer = model.buffers[graph.tensors[index].buffer]
                values = np.frombuffer(bytes(buffer.data), np.float32) * change[0] + change[1]
                buffer.data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
    return pack(model)


def rescale_scores(content: bytes, factor: float) -> bytes:
    """An int8 file whose score outputs were calibrated on a range `factor` times as wide, about their zero."""
    model = unpack(content)
    graph = model.subgraphs[0]
    for index in graph.outputs:
        if b"scores" in graph.tensors[index].name:
            graph.tensors[index].quantization.scale = graph.tensors[index].quantization.scale * np.float32(factor)
    return pack(model)


def stretch(content: bytes, from_hw: tuple[int, int]) -> bytes:
    """A float file that takes another size and stretches it to the network's."""
    model = unpack(content)
    graph = model.subgraphs[0]
    old = graph.tensors[graph.inputs[0]]
    sizes = np.frombuffer(np.array(old.shape[1:3], np.int32).tobytes(), np.uint8)
    model.buffers.append(schema.BufferT(data=sizes))
    size = _tensor(graph, b"size", [2], schema.TensorType.INT32, len(model.buffers) - 1)
    wide = _tensor(graph, b"wide", [1, *from_hw, 3], old.type)
    options = schema.ResizeBilinearOptionsT(halfPixelCenters=True)
    kind = (schema.BuiltinOperator.RESIZE_BILINEAR, schema.BuiltinOptions.ResizeBilinearOptions)
    resize = _operator(model, kind, options, [wide, size], [graph.inputs[0]])
    graph.operators.insert(0, resize)
    graph.inputs = np.array([wide], np.int32)
    return pack(model)


def add_sigmoids(content: bytes) -> bytes:
    """A float file whose score outputs went through a sigmoid; they keep their names."""
    model = unpack(content)
    graph = model.subgraphs[0]
    graph.outputs = graph.outputs.copy()
    for place, index in enumerate(graph.outputs):
        old = graph.tensors[index]
        if b"scores" in old.name:
            new = _tensor(graph, old.name, list(old.shape), old.type)
            old.name += b"_logits"
            kind = (schema.BuiltinOperator.LOGISTIC, schema.BuiltinOptions.NONE)
            graph.operators.append(_operator(model, kind, None, [index], [new]))
            graph.outputs[place] = new
    return pack(model)


def _tensor(graph: Tree, name: bytes, shape: list[int], kind: int, buffer: int = 0) -> int:
    graph.tensors.append(schema.TensorT(name=name, shape=np.array(shape, np.int32), type=kind, buffer=buffer))
    return len(graph.tensors) - 1


def _operator(model: Tree, kind: tuple[int, int], options: Tree, reads: list[int], writes: list[int]) -> Tree:
    builtin, options_type = kind
    model.operatorCodes.append(
        schema.OperatorCodeT(deprecatedBuiltinCode=builtin, builtinCode=builtin, version=1 + 2 * (options is not None))
    )
    return schema.OperatorT(
        opcodeIndex=len(model.operatorCodes) - 1,
        inputs=np.array(reads, np.int32),
        outputs=np.array(writes, np.int32),
        builtinOptionsType=options_type,
        builtinOptions=options,
    )
