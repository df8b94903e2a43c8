"""The prediction: what maps, what does not and why."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from convert.edgetpu.graph import COMPILED, OPERATORS, Graph, Op, Tensor
from convert.edgetpu.macs import count_macs
from convert.edgetpu.status import (
    DATA_TYPE,
    LATER,
    MAPPED,
    RANK,
    UNSPECIFIED,
    UNSUPPORTED,
    Refusal,
)
from convert.edgetpu.table import (
    CUSTOM_OPERATORS,
    INSTEAD,
    NEWEST_OPERATOR,
    SIZED_BY,
    SIZED_BY_VALUES,
    TABLE,
    VERSIONS,
    Rule,
)

EIGHT_BITS = ("INT8", "UINT8")
FLOAT_WORK = ("CUSTOM", "DEQUANTIZE")  # the compiler complains about their type first
OUTERMOST = -3  # the three innermost sides may be larger than 1
NUMBERS = {name: number for number, name in OPERATORS.items()}


class OpVerdict(NamedTuple):
    """What becomes of one operation."""

    op: Op
    mapped: bool
    status: str  # in the compiler's words
    reason: str  # in ours; empty where nothing is to say
    macs: int

    @property
    def behind(self) -> bool:
        """Only not mapped because of what comes before it."""
        return self.status == LATER


class Verdict(NamedTuple):
    """What becomes of a model. `refusal` is why the compiler takes none of it, else empty."""

    ops: tuple[OpVerdict, ...]
    refusal: str
    compiled: bool  # the file is the compiler's work already
    parameter_bytes: int

    @property
    def mapped(self) -> int:
        """Operations on the Edge TPU."""
        return sum(one.mapped for one in self.ops)

    @property
    def share(self) -> float:
        """Share of the multiply-accumulates on the Edge TPU, 0..1; of the operations where there are none."""
        total = sum(one.macs for one in self.ops)
        if total:
            return sum(one.macs for one in self.ops if one.mapped) / total
        return self.mapped / len(self.ops) if self.ops else 0.0


def predict(graph: Graph) -> Verdict:
    """What compiler 16.0 makes of the graph; for a compiled one, what it did make."""
    if graph.compiled:
        refusals: list[Refusal | None] = [
            None if op.custom == COMPILED else Refusal("left on the processor", "") for op in graph.ops
        ]
        return _verdict(graph, refusals, {op.index for op in graph.ops if op.custom == COMPILED}, "")
    refusal = next(_whole_file(graph), "")
    refusals = [_refuse(op) for op in graph.ops]
    mapped = set() if refusal else _first_partition(graph.ops, [one is None for one in refusals])
    return _verdict(graph, refusals, mapped, refusal)


def _verdict(graph: Graph, refusals: list[Refusal | None], mapped: set[int], whole: str) -> Verdict:
    ops = []
    for op, refusal in zip(graph.ops, refusals, strict=True):
        if op.index in mapped:
            status, reason = MAPPED, TABLE[op.name].unsure if op.name in TABLE else ""
        elif refusal:
            status, reason = refusal
        else:
            status, reason = LATER, "the whole file is refused" if whole else "behind an operation on the processor"
        ops.append(OpVerdict(op, op.index in mapped, status, reason, count_macs(op)))
    return Verdict(tuple(ops), whole, graph.compiled, graph.parameter_bytes)


def _first_partition(ops: tuple[Op, ...], supported: list[bool]) -> set[int]:
    """Indices of the one subgraph that is mapped.

    As TensorFlow Lite hands a graph to a delegate: sets of operations in turn, each all of one kind that can run once
    the sets before it have run; the compiler takes the first set of its own and no other.
    """
    written = {tensor for op in ops for tensor in op.writes}
    ready = {tensor for op in ops for tensor in op.reads} - written
    left = list(ops)
    while left:
        kind = next((supported[op.index] for op in left if ready.issuperset(op.reads)), None)
        if kind is None:  # a cycle: no order runs it
            return set()
        taken: set[int] = set()
        grown = True
        while grown:
            more = [op for op in left if supported[op.index] is kind and ready.issuperset(op.reads)]
            ready.update(tensor for op in more for tensor in op.writes)
            taken.update(op.index for op in more)
            left = [op for op in left if op.index not in taken]
            grown = bool(more)
        if kind:
            return taken
    return set()


def _whole_file(graph: Graph) -> Iterator[str]:
    """Reasons to refuse the file as such, in the order in which the compiler finds them."""
    for op in graph.ops:
        if op.name.startswith("BUILTIN_") or NUMBERS.get(op.name, 0) > NEWEST_OPERATOR:
            yield f"{op.name} is newer than the compiler: builtin_code out of range"
        elif op.name == "CUSTOM" and op.custom not in CUSTOM_OPERATORS:
            yield f"Encountered unresolved custom op: {op.custom}"
        elif op.version > VERSIONS.get(op.name, op.version):
            yield f"Didn't find op for builtin opcode '{op.name}' version '{op.version}'"
    if not any(_quantized(one) for op in graph.ops for one in op.outputs):
        yield "Model not quantized"
    for op in graph.ops:
        sizes = [op.input(position) for position in SIZED_BY.get(op.name, ())]
        if op.name in SIZED_BY_VALUES or any(one is not None and one.data is None for one in sizes):
            yield f"only supports static-sized tensors, and {op.name} (operation {op.index}) has no size before it runs"


def _refuse(op: Op) -> Refusal | None:
    """Why this operation cannot be mapped wherever it stands, or None."""
    rule = TABLE.get(op.name)
    if rule is None:
        floats = op.name in FLOAT_WORK and any(one and one.dtype == "FLOAT32" for one in (*op.inputs, *op.outputs))
        return Refusal(
            DATA_TYPE if floats else UNSUPPORTED,
            op.custom or INSTEAD.get(op.name, "not among the Edge TPU's operations"),
        )
    general = (_wrong_type(op, rule), _moving_parameter(op, rule), _too_deep(op))
    return next(filter(None, (*general, *(limit(op) for limit in rule.limits))), None)


def _wrong_type(op: Op, rule: Rule) -> Refusal | None:
    # an LSTM's state is 16 bits wide and its own business
    inputs = op.inputs[:1] if op.name == "UNIDIRECTIONAL_SEQUENCE_LSTM" else op.inputs
    data = [one for position, one in enumerate(inputs) if one and position not in rule.settings]
    for tensor in (*data, *op.outputs):
        bias = tensor.dtype == "INT32" and tensor.data is not None
        if not (bias or _quantized(tensor)):
            what = f"a tensor of {tensor.dtype}" + ("" if tensor.scales else ", not quantized")
            return Refusal(UNSPECIFIED if op.name == "QUANTIZE" else DATA_TYPE, what)
    return None


def _moving_parameter(op: Op, rule: Rule) -> Refusal | None:
    for position in rule.constants:
        tensor = op.input(position)
        if tensor and tensor.data is None:
            return Refusal(UNSPECIFIED, f"input {position} is computed, and must be a constant")
    return None


def _too_deep(op: Op) -> Refusal | None:
    moving = [one for one in op.inputs if one and one.data is None]
    for tensor in (*moving, *op.outputs):
        if math.prod(tensor.shape[:OUTERMOST]) > 1:
            return Refusal(RANK, f"a tensor of {'x'.join(map(str, tensor.shape))}")
    return None


def _quantized(tensor: Tensor) -> bool:
    return tensor.dtype in EIGHT_BITS and tensor.scales > 0
