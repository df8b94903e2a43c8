"""The other side of worker.py: a process for each entrant, in its own environment, asked one picture at a time."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from entrants import ROOT, Entrant, environment, say

from edge_retinaface.data import Detections


class Worker:
    """A running entrant. `greeting` is what it says of itself: seconds to load, precision."""

    def __init__(self, entrant: Entrant, process: subprocess.Popen[str], greeting: dict[str, Any]) -> None:
        self.entrant = entrant
        self.greeting = greeting
        self._process = process

    def ask(self, picture: Path, budget_ms: float = 0.0) -> dict[str, Any]:
        """Faces in a saved array; with a budget, the median time of as many more runs as fit into it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(picture), budget_ms]) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def running(entrant: Entrant, threads: int) -> Iterator[Worker | None]:
    """The worker of one entrant, or None where it cannot be had; the others are measured all the same."""
    python = environment(entrant.environment)
    if python is None:
        yield None
        return
    settings = json.dumps({**entrant.settings, "opencv_threads": threads})
    variables = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}
    with subprocess.Popen(
        [python, Path(__file__).with_name("worker.py"), settings],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2", **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            say(f"{entrant.name} {entrant.size} is left out: it does not start")
        yield Worker(entrant, process, json.loads(line)) if line else None
        if process.stdin:
            process.stdin.close()


def detections(answer: dict[str, Any]) -> Detections:
    """The faces of an answer, best first, without landmarks."""
    scores = np.asarray(answer["scores"], np.float32)
    order = (-scores).argsort(kind="stable")
    boxes = np.asarray(answer["boxes"], np.float32).reshape(-1, 4)
    return Detections(boxes[order], scores[order], np.zeros((len(order), 5, 2), np.float32))
