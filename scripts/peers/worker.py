"""One peer in its own environment: picture files in on stdin, times and faces out on stdout, a JSON line each."""

import json
import re
import sys
import time
from pathlib import Path

START = time.perf_counter()

import cv2  # noqa: E402 - the clock starts first
import detectors  # noqa: E402
import numpy as np  # noqa: E402

ANSWERS = sys.stdout
sys.stdout = sys.stderr  # what a peer prints is no answer


def main() -> None:
    """Serve until stdin ends."""
    settings = json.loads(sys.argv[1])
    cv2.setNumThreads(settings.pop("opencv_threads"))
    detect = getattr(detectors, settings.pop("peer"))(**settings)
    detect(np.zeros((480, 640, 3), np.uint8))
    answer(load_s=time.perf_counter() - START, precision=getattr(detect, "precision", ""))
    for line in sys.stdin:
        path, budget_ms = json.loads(line)
        pixels = np.load(path)
        boxes, scores = detect(pixels)
        times = [(0.0, 0.0)]
        while sum(wall for _, wall in times) < budget_ms:
            cpu, wall = time.process_time(), time.perf_counter()
            detect(pixels)
            times.append(((time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3))
        cpu_ms, wall_ms = np.median(times[1:] or times, axis=0)
        answer(cpu_ms=cpu_ms, wall_ms=wall_ms, boxes=boxes.tolist(), scores=scores.tolist(), peak_mib=peak_mib())


def peak_mib() -> float:
    """Most memory ever resident. Not getrusage's figure, which remembers the process that started this one."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found
    return int(found[1]) / 1024


def answer(**values: object) -> None:
    """One line."""
    ANSWERS.write(json.dumps(values) + "\n")
    ANSWERS.flush()


if __name__ == "__main__":
    main()
