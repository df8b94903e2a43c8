"""How long models take, beside each other: this machine's milliseconds mean little, its ratios a little more."""

from collections.abc import Sequence
from pathlib import Path
from time import thread_time_ns

import msgspec
import numpy as np

from edge_retinaface.data import U8
from edge_retinaface.interpreter import Interpreter
from edge_retinaface.model_file import read_model

LEAST_ROUNDS, MOST_ROUNDS = 20, 200
BUDGET_S = 4.0  # about, for all rounds
WARM_UP = 3


class Time(msgspec.Struct, frozen=True):
    """One model's inference, processor time of one thread: what else runs on the machine is not in it."""

    milliseconds: float  # median
    ratio: float  # median over rounds of its time over the first model's in the same round


def time_models(paths: Sequence[Path], picture: U8) -> list[Time]:
    """Every model once a round, so that what the machine's clock and caches do meets all alike."""
    interpreters = [Interpreter(read_model(path)) for path in paths]
    for one in interpreters:
        one.fill(picture, "BGR")
    for _ in range(WARM_UP):
        first = np.array([_invoke_ns(one) for one in interpreters])
    rounds = int(np.clip(BUDGET_S * 1e9 / max(first.sum(), 1), LEAST_ROUNDS, MOST_ROUNDS))
    taken = np.array([[_invoke_ns(one) for one in interpreters] for _ in range(rounds)], np.float64)
    ratios = np.median(taken / taken[:, :1], axis=0)
    return [
        Time(round(float(ms), 3), round(float(ratio), 3))
        for ms, ratio in zip(np.median(taken, 0) * 1e-6, ratios, strict=True)
    ]


def _invoke_ns(interpreter: Interpreter) -> int:
    start = thread_time_ns()
    interpreter.invoke()
    return thread_time_ns() - start
