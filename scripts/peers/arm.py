"""Instructions that a Raspberry Pi 4 and 5 would execute for a frame, counted on emulated processors. Not time."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from emulator import PROCESSORS, executed
from entrants import ROOT, ncnn_model, our_model, say
from page import write_arm

from edge_retinaface.images import read_image

SIZES = ((240, 320), (480, 640))
PARTS = ("letterbox", "invoke", "frame")
TIMES = 2  # the counts repeat within half a percent
FIGURES = ROOT / "docs" / "guide" / "performance-arm.json"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench --arm", description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="model files [default: ours, int8 and float32, two sizes]")
    parser.add_argument("--picture", type=Path, help="what the frame shows [default: an astronaut in 1280x720]")
    parser.add_argument("--yunet", type=Path, help="YuNet's ONNX file; left out without it")
    parser.add_argument("--calibration", type=Path, help="pictures to calibrate our int8 models with")
    parser.add_argument("--processor", choices=PROCESSORS, action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "frame.npy"
        np.save(picture, _frame(options.picture))
        rows = []
        for processor in options.processor or PROCESSORS:
            for name, work in _works(options):
                counts = {part: count(processor, picture, *rest) for part, rest in work.items()}
                rows.append({"processor": processor, "name": name, **counts})
                say(
                    f"{processor} {name}: "
                    + ", ".join(f"{kind} {one / 1e6:.2f} million" for kind, one in counts.items())
                )
    if options.models:
        json.dump(rows, sys.stdout, indent=1)
        return
    figures = {"command": "scripts/bench --arm " + " ".join(sys.argv[1:]), "boards": PROCESSORS, "rows": rows}
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    write_arm(figures, FIGURES.with_name("performance.md"))


def count(processor: str, picture: Path, kind: str, *rest: str) -> int:
    """Guest instructions of one piece of work."""
    (together,) = executed(processor, "arm_work.py", (kind, TIMES, picture, *rest))
    return together // TIMES


def _works(options: argparse.Namespace) -> list[tuple[str, dict[str, tuple[str, ...]]]]:
    ours = {path.stem: path for path in options.models} or {
        f"edge-retinaface {mode}, {width}x{height}": our_model((height, width), mode, options.calibration)
        for height, width in SIZES
        for mode in ("int8", "float32")
    }
    works = [(name, {part: (part, str(path)) for part in PARTS}) for name, path in ours.items()]
    if options.models:
        return works
    for height, width in SIZES:
        param = ncnn_model((height, width))
        if param:
            works.append((f"ncnn, {width}x{height}", {"frame": ("ncnn", str(param), f"{height}x{width}")}))
        if options.yunet:
            works.append((f"YuNet, {width}", {"frame": ("yunet", str(options.yunet), f"{height}x{width}")}))
    return works


def _frame(path: Path | None) -> np.ndarray:
    from run import astronaut

    return np.asarray(cv2.resize(read_image(path or astronaut()), (1280, 720)))


if __name__ == "__main__":
    main()
