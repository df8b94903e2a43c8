"""The runtime on emulated boards finds the faces that it finds here."""

import json
import re
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import emulated
import numpy as np
import pytest
from emulated import ARM64, ARMHF, Board

from edge_retinaface import RetinaFace
from edge_retinaface.data import Detections

ROOT = Path(__file__).parent.parent
pytestmark = [
    pytest.mark.arm64,
    pytest.mark.convert,
    pytest.mark.timeout(3600),  # the first time fetches a Debian and wheels
    pytest.mark.skipif(bool(emulated.missing()), reason=emulated.missing() or "-"),
]
# Kernels of different processors round differently: some 50 steps of 1/256 in a raw box tensor
BOX_PIXELS, SCORE = 3.0, 0.02
TFLITE_RUNTIME = "tflite-runtime==2.14.0"
CPUS = ("cortex-a72", "cortex-a76")  # of a Raspberry Pi 4, which has no LSE atomics, and of a Pi 5


def requirements(suite: str) -> str:
    return (ROOT / "deploy" / "debian" / f"requirements-{suite}.txt").read_text()


def without_litert(suite: str) -> str:
    """The pins of the package with tflite-runtime in LiteRT's place."""
    pins = re.findall(r"^[a-z].*?==\S+", requirements(suite), re.MULTILINE)
    return "\n".join(TFLITE_RUNTIME if pin.startswith("ai-edge-litert") else pin for pin in pins)


def detect(board: Board, cpu: str, site: Path, model: Path, picture: Path) -> dict[str, Any]:
    arguments = ["-m", "edge_retinaface", "detect", "--json", "--model", str(model), str(picture)]
    done = emulated.run(board, cpu, [site], *arguments)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-2000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def assert_same(found: dict[str, Any], reference: Detections, pixels: float, score: float) -> None:
    assert len(found["faces"]) == len(reference) > 0
    for face, (box, its_score, landmarks) in zip(found["faces"], reference, strict=True):
        assert np.abs(np.array(face["box"]) - box).max() <= pixels
        assert np.abs(np.array(list(face["landmarks"].values())) - landmarks).max() <= pixels
        assert abs(face["score"] - its_score) <= score


# the first always runs: nothing else would say that the runtime no longer starts on a board
BOARDS = [(suite, cpu) for suite in ARM64 for cpu in CPUS]


@pytest.mark.parametrize(
    ("suite", "cpu"), [BOARDS[0], *(pytest.param(*board, marks=pytest.mark.slow) for board in BOARDS[1:])]
)
def test_the_wheels_of_the_package_find_the_same_faces_on_64_bits(
    suite: str, cpu: str, default_model: Path, astronaut: Path
) -> None:
    try:
        site = emulated.wheels(ARM64[suite], requirements(suite))
        emulated.fetch(ARM64[suite])
    except RuntimeError as error:
        pytest.skip(f"needs Debian's and Python's package servers once: {error}")
    found = detect(ARM64[suite], cpu, site, default_model, astronaut)
    assert_same(found, RetinaFace(default_model)(astronaut), BOX_PIXELS, SCORE)


@pytest.mark.slow
@pytest.mark.parametrize("cpu", CPUS)
def test_tflite_runtime_finds_the_same_faces_on_64_bits(cpu: str, default_model: Path, astronaut: Path) -> None:
    site = emulated.wheels(ARM64["bookworm"], without_litert("bookworm"))
    assert not (site / "ai_edge_litert").exists()
    found = detect(ARM64["bookworm"], cpu, site, default_model, astronaut)
    assert_same(found, RetinaFace(default_model)(astronaut), BOX_PIXELS, SCORE)


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which(emulated.CROSS_COMPILER) is None,
    reason="needs apt-get install gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
)
def test_tflite_runtime_finds_the_same_faces_on_32_bits(default_model: Path, astronaut: Path) -> None:
    sites = [
        emulated.wheels(ARMHF, f"{TFLITE_RUNTIME}\n"),
        emulated.compiled_msgspec(ARMHF, metadata.version("msgspec")),
    ]
    program = (
        "import sys, json;"
        "from edge_retinaface.detector import RetinaFace, as_dictionary;"
        "print(json.dumps(as_dictionary(RetinaFace(sys.argv[1])(sys.argv[2]))))"
    )
    done = emulated.run(ARMHF, "cortex-a7", sites, "-c", program, str(default_model), str(astronaut))
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    reference = RetinaFace(default_model)(astronaut)
    assert list(found) == ["face_1"]
    assert len(reference) == 1
    assert np.abs(np.array(found["face_1"]["facial_area"]) - reference.boxes[0]).max() <= BOX_PIXELS
    assert abs(found["face_1"]["score"] - reference.scores[0]) <= SCORE
