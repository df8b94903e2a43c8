"""Cold start: a process of its own, from exec to its first detection."""

import subprocess
import sys
from pathlib import Path
from time import perf_counter_ns

from edge_retinaface.bench.records import MS_PER_NS

PROGRAM = """
import sys
import numpy
from edge_retinaface.detector import RetinaFace
from edge_retinaface.service.board import Board
detector = RetinaFace(sys.argv[1], threads=int(sys.argv[2]), delegate=sys.argv[3])
detector(numpy.zeros((720, 1280, 3), numpy.uint8))
print(Board().memory_mib(), flush=True)
"""


def cold_start(model: Path, threads: int, delegate: str, times: int) -> tuple[tuple[float, ...], float]:
    """Milliseconds from exec to the first detection, `times` times, and the resident memory then, MiB."""
    durations, memory = [], 0.0
    for _ in range(times):
        start = perf_counter_ns()
        with subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", PROGRAM, str(model), str(threads), delegate], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None  # noqa: S101 - asked for above
            line = process.stdout.readline()
            durations.append((perf_counter_ns() - start) * MS_PER_NS)
            memory = float(line)
    return tuple(round(one, 1) for one in durations), round(memory, 1)
