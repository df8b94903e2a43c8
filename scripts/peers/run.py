"""Every peer on the same decoded pictures, in turns: times, average precision if there is ground truth, page, plot."""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from entrants import ROOT, Entrant, entrants, environment, say
from page import write_page
from plot import draw

from edge_retinaface.bench import machine
from edge_retinaface.data import Detections
from edge_retinaface.images import read_image

FIGURES = ROOT / "docs" / "guide" / "performance.json"
SETTINGS = ("easy", "medium", "hard")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--data", type=Path, help="WIDER FACE folder as for `convert eval`; without it, times only")
    parser.add_argument("--picture", type=Path, help="without --data: the picture to time [default: an astronaut]")
    parser.add_argument("--calibration", type=Path, help="pictures to calibrate our int8 models with")
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file; left out without it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="take only entrants whose name holds this")
    parser.add_argument("--limit", type=int, default=0, help="look at so many of the pictures only")
    parser.add_argument("--render", action="store_true", help="write page and plot again from the last run's figures")
    options = parser.parse_args()
    if not options.render:
        FIGURES.write_text(json.dumps(measure(options), indent=1) + "\n")
    figures = json.loads(FIGURES.read_text())
    draw(figures, FIGURES.with_suffix(".svg"))
    write_page(figures, FIGURES.with_suffix(".md"))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one run."""
    before = machine.complaints()
    data = _load(options.data)
    paths = [one.path for one in data.pictures] if data else [options.picture or _astronaut()] * 30
    paths = paths[: options.limit or None]
    running = []
    for entrant in entrants(options.threads, options.yunet, options.calibration, options.only):
        python = environment(entrant.environment) if options.only in entrant.name else None
        if python:
            process = start(entrant, python)
            if greet(entrant, process):  # one after the other, so that the time to load is its own
                running.append((entrant, process))
    faces: list[list[Detections]] = [[] for _ in running]
    times: list[list[dict[str, float]]] = [[] for _ in running]
    with tempfile.TemporaryDirectory() as folder:
        decoded = Path(folder) / "picture.npy"
        for number, path in enumerate(paths):
            np.save(decoded, read_image(path))
            for index, (_, process) in enumerate(running):
                answer = ask(process, str(decoded))
                faces[index].append(_detections(answer))
                times[index].append({name: answer[name] for name in ("cpu_ms", "wall_ms", "peak_mib")})
            if sys.stderr.isatty() or number % 20 == 0:
                say(f"{number + 1} of {len(paths)} pictures")
    rows = []
    for index, (entrant, process) in enumerate(running):
        process.stdin.close()
        process.wait()
        rows.append(
            {
                "name": entrant.name,
                "size": entrant.size,
                "cpu_ms": float(np.median([one["cpu_ms"] for one in times[index]])),
                "wall_ms": float(np.median([one["wall_ms"] for one in times[index]])),
                "peak_mib": times[index][-1]["peak_mib"],
                "ap": _precision(data, faces[index]) if data and not options.limit else None,
                **process.greeting,  # type: ignore[attr-defined]
            }
        )
    shapes = {read_image(path).shape[:2] for path in set(paths)}
    return {
        "command": "scripts/bench " + " ".join(sys.argv[1:]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": machine.processor(),
        "cores": machine.cores(),
        "system": machine.system(),
        "threads": options.threads,
        "warnings": before,
        "pictures": len(paths),
        "widest": max(width for _, width in shapes),
        "rows": rows,
    }


def start(entrant: Entrant, python: Path) -> subprocess.Popen[str]:
    """The worker of one entrant."""
    threads = entrant.settings.get("threads", 1)
    settings = json.dumps({**entrant.settings, "opencv_threads": threads})
    variables = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}
    return subprocess.Popen(
        [python, Path(__file__).with_name("worker.py"), settings],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2", **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def greet(entrant: Entrant, process: subprocess.Popen[str]) -> bool:
    """Whether the worker is ready; what it says of itself is kept with it."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        say(f"{entrant.name} {entrant.size} is left out: it does not start")
        return False
    process.greeting = json.loads(line)  # type: ignore[attr-defined]
    return True


def ask(process: subprocess.Popen[str], path: str) -> dict[str, Any]:
    """One picture's answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(path + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def _detections(answer: dict[str, Any]) -> Detections:
    scores = np.asarray(answer["scores"], np.float32)
    order = (-scores).argsort(kind="stable")
    boxes = np.asarray(answer["boxes"], np.float32).reshape(-1, 4)
    return Detections(boxes[order], scores[order], np.zeros((len(order), 5, 2), np.float32))


def _load(folder: Path | None) -> Any:
    if folder is None or importlib.util.find_spec("convert.evaluation") is None:
        return None
    from convert.evaluation.annotations import load_data

    return load_data(folder)


def _precision(data: Any, faces: list[Detections]) -> list[float]:
    from convert.evaluation.ranking import wider_ranking

    return [float(wider_ranking(data.pictures, faces, setting).average_precision()) for setting in SETTINGS]


def _astronaut() -> Path:
    spec = importlib.util.find_spec("skimage")
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()
    frame = Path(tempfile.mkdtemp()) / "astronaut-1280x720.png"
    picture = cv2.copyMakeBorder(
        cv2.resize(read_image(folder / "data" / "astronaut.png"), (720, 720)), 0, 0, 280, 280, 0
    )
    cv2.imwrite(str(frame), picture)
    return frame


if __name__ == "__main__":
    main()
