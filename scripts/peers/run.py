"""This project beside its peers: average precision where there is ground truth, then times in turns, page and plot."""

import argparse
import importlib.util
import json
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from entrants import ROOT, entrants, say
from page import write_page
from plot import draw
from precision import precision
from workers import Worker, running

from edge_retinaface.bench import machine
from edge_retinaface.images import read_image

FIGURES = ROOT / "docs" / "guide" / "performance.json"
BUDGET_MS = 40.0  # of an entrant for a picture: a quick one runs several times, as it does on a camera's frames


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--data", type=Path, help="WIDER FACE folder as for `convert eval`; without it, times only")
    parser.add_argument("--picture", type=Path, help="without --data: the picture to time [default: an astronaut]")
    parser.add_argument("--calibration", type=Path, help="pictures to calibrate our int8 models with")
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file; left out without it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="take only entrants whose name holds this")
    parser.add_argument("--timed", type=int, default=30, help="pictures to time, spread over all")
    parser.add_argument("--prepare", action="store_true", help="environments, models and precision only: the long part")
    parser.add_argument("--render", action="store_true", help="write page and plot again from the last run's figures")
    options = parser.parse_args()
    if not options.render:
        figures = measure(options)
        if options.prepare:
            return
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    figures = json.loads(FIGURES.read_text())
    draw(figures, FIGURES.with_suffix(".svg"))
    write_page(figures, FIGURES.with_suffix(".md"))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one run."""
    data = _load(options.data)
    paths = [one.path for one in data.pictures] if data else [options.picture or astronaut()]
    timed = [paths[index] for index in np.linspace(0, len(paths) - 1, options.timed).round().astype(int)]
    taking_part = list(entrants(options.threads, options.yunet, options.calibration, options.only))
    aps = [precision(entrant, data) if data else None for entrant in taking_part]
    before = machine.complaints()
    rows = [] if options.prepare else _time(taking_part, aps, timed, options.threads)
    return {
        "command": "scripts/bench " + " ".join(sys.argv[1:]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": machine.processor(),
        "cores": machine.cores(),
        "system": machine.system(),
        "threads": options.threads,
        "warnings": before,
        "pictures": len(paths),
        "timed": len(timed),
        "widest": max(read_image(path).shape[1] for path in set(timed)),
        "rows": rows,
    }


def _time(taking_part: list[Any], aps: list[Any], paths: list[Path], threads: int) -> list[dict[str, Any]]:
    """Every entrant on every picture, in turns, so that all see the same disturbances."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        workers: list[tuple[Worker, Any]] = []
        for entrant, ap in zip(taking_part, aps, strict=True):
            worker = stack.enter_context(running(entrant, threads))  # in turns: the time to load is its own
            if worker is not None:
                workers.append((worker, ap))
        answers: list[list[dict[str, float]]] = [[] for _ in workers]
        decoded = Path(folder) / "picture.npy"
        for path in paths:
            np.save(decoded, read_image(path))
            for (worker, _), kept in zip(workers, answers, strict=True):
                answer = worker.ask(decoded, BUDGET_MS)
                kept.append({name: answer[name] for name in ("cpu_ms", "wall_ms", "peak_mib")})
    say(f"timed {len(workers)} entrants on {len(paths)} pictures")
    return [
        {
            "name": worker.entrant.name,
            "size": worker.entrant.size,
            "cpu_ms": float(np.median([one["cpu_ms"] for one in kept])),
            "wall_ms": float(np.median([one["wall_ms"] for one in kept])),
            "peak_mib": kept[-1]["peak_mib"],
            "ap": ap,
            **worker.greeting,
        }
        for (worker, ap), kept in zip(workers, answers, strict=True)
    ]


def _load(folder: Path | None) -> Any:
    if folder is None or importlib.util.find_spec("convert.evaluation") is None:
        return None
    from convert.evaluation.annotations import load_data

    return load_data(folder)


def astronaut() -> Path:
    """A frame of 1280x720 with one face."""
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
