"""The first convolution of an int8 graph, two pixels at a time: the same bytes, from kernels that are used in full.

It turns 3 channels into 8, but XNNPACK's kernels take 4 or 8 channels a step and, with dot products, put out 16. A row
read as cells of four pixels has 12 channels; two cells give two pixels of output at once, 16 channels, and read as
pixels of 8 channels again these are what they were. Reading otherwise costs nothing: the bytes stay where they are.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.graph import Graph

PAIR = 2  # pixels of output
CELL = 2 * PAIR  # pixels of the picture, which pass by meanwhile at stride 2
CELLS = 2  # that a pair of outputs sees
SIDE = 3  # of the kernel


def pair_first_convolution(graph: Graph) -> None:
    """Rewrite the graph in place. Its first convolution is the network's: 3x3, stride 2, on sides of whole cells."""
    operator = next(graph.convolutions())
    reader = graph.operators[0]  # the convolution, or the padding before it
    padded = reader is not operator
    image, output = int(reader.inputs[0]), int(operator.outputs[0])
    _, height, width, channels = map(int, graph.tensors[image].shape)
    _, rows, columns, outputs = map(int, graph.tensors[output].shape)
    _, kernel, bias = map(int, operator.inputs)

    cells = graph.add_tensor("image.cells", image, (1, height, width // CELL, CELL * channels))
    reader.inputs = np.array([cells, *reader.inputs[1:]], np.int32)
    if padded:  # a row above and, before every row, a cell of which only the last pixel counts
        graph.tensors[int(reader.outputs[0])].shape = np.array(
            (1, height + 1, width // CELL + 1, CELL * channels), np.int32
        )
    first = CELL - 1 if padded else 0  # the pixel of two cells at which the first output's window begins
    graph.set_data(kernel, pair_kernel(graph.data(kernel), first))
    graph.set_data(bias, np.tile(graph.data(bias), PAIR))
    for tensor in (kernel, bias):
        _repeat_quantization(graph.tensors[tensor].quantization)
    operator.builtinOptions.strideW = 1
    pairs = graph.add_tensor("stage1.0.pairs", output, (1, rows, columns // PAIR, PAIR * outputs))
    operator.outputs = np.array([pairs], np.int32)

    place = graph.operators.index(operator)
    graph.operators.insert(place + 1, graph.make_reshape(pairs, output))
    graph.operators.insert(0, graph.make_reshape(image, cells))


def pair_kernel(kernel: NDArray[Any], first: int) -> NDArray[Any]:
    """(outputs, 3, 3, channels) to (2 outputs, 3, cells, 4 channels): zero where an output's window is not."""
    outputs, _, _, channels = kernel.shape
    paired = np.zeros((PAIR, outputs, SIDE, CELLS * CELL, channels), kernel.dtype)
    for number in range(PAIR):
        start = first + 2 * number
        paired[number, :, :, start : start + SIDE] = kernel
    return paired.reshape(PAIR * outputs, SIDE, CELLS, CELL * channels)


def _repeat_quantization(quantization: Any) -> None:  # noqa: ANN401 - a generated class without types
    quantization.scale = np.tile(quantization.scale, PAIR)
    quantization.zeroPoint = np.tile(quantization.zeroPoint, PAIR)
