"""How many multiplications an operation costs."""

import math

from convert.edgetpu.graph import Op


def count_macs(op: Op) -> int:
    """Multiply-accumulates of one inference; 0 for what is not built on them."""
    output = op.outputs[0].shape
    first, second, third = (_shape(op, position) for position in range(3))
    match op.name:
        case "CONV_2D" | "FULLY_CONNECTED":  # weights (outputs, rows, columns, inputs a group) or (outputs, inputs)
            return math.prod(output) * math.prod(second[1:])
        case "DEPTHWISE_CONV_2D":  # weights (1, rows, columns, outputs)
            return math.prod(output) * math.prod(second[1:3])
        case "TRANSPOSE_CONV":  # weights (outputs, rows, columns, inputs); every input pixel meets them all
            return math.prod(third[:-1]) * math.prod(second)
        case "BATCH_MATMUL":
            shared = first[-2:-1] if op.option("adjX") else first[-1:]
            return math.prod(output) * math.prod(shared)
        case "UNIDIRECTIONAL_SEQUENCE_LSTM":
            return math.prod(first[:-1]) * sum(
                one.size for one in op.inputs[1:9] if one
            )  # four gates, from input and from state
        case _:
            return 0


def _shape(op: Op, position: int) -> tuple[int, ...]:
    tensor = op.input(position)
    return tensor.shape if tensor else ()
