"""Prediction beside truth: the compiler counts operations by name, so that is what is compared."""

from typing import NamedTuple

from convert.edgetpu.compiler import Log
from convert.edgetpu.verdict import Verdict


class Difference(NamedTuple):
    """One kind of operation of which another number is mapped than was predicted."""

    op: str
    predicted: int  # operations on the Edge TPU
    mapped: int
    total: int


class Comparison(NamedTuple):
    """How far the prediction was right."""

    differences: tuple[Difference, ...]
    wrong: int  # operations
    agreed: bool  # on every operation, or on refusing the file


def compare(verdict: Verdict, log: Log) -> Comparison:
    """What the compiler mapped otherwise than predicted. A file that it refused has nothing on the Edge TPU."""
    differences = []
    for name in sorted({one.op.name for one in verdict.ops} | {op for op, _ in log.rows}):
        total = sum(one.op.name == name for one in verdict.ops)
        predicted = sum(one.mapped for one in verdict.ops if one.op.name == name)
        mapped = 0 if log.failure else log.operations(name, mapped=True)
        if predicted != mapped:
            differences.append(Difference(name, predicted, mapped, total))
    wrong = sum(abs(one.predicted - one.mapped) for one in differences)
    return Comparison(tuple(differences), wrong, not differences and bool(log.failure) == bool(verdict.refusal))
