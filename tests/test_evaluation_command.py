import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from evaluation_cases import detections, picture

from convert.evaluation.command import predict_all
from convert.evaluation.dataset import Dataset
from convert.evaluation.prediction import Subject
from edge_retinaface.data import U8, Detections

ROOT = Path(__file__).parent.parent


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convert.eval", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def annotated(tmp_path: Path, astronaut: Path) -> Path:
    """One photograph with its one face."""
    face = {"left": 177, "top": 64, "width": 94, "height": 131}
    entry = {"file": str(astronaut), "width": 512, "height": 512, "faces": [face]}
    (tmp_path / "annotations.json").write_text(json.dumps([entry]))
    return tmp_path


@pytest.mark.convert
def test_the_face_of_the_astronaut_is_an_average_precision_of_1(default_model: Path, annotated: Path) -> None:
    output = annotated / "out"
    result = run(default_model, annotated, "--json", "--output", output, "--plot", annotated / "curves.png")
    assert result.returncode == 0, result.stderr
    evaluation = json.loads(result.stdout)["evaluation"]
    assert evaluation["precision"]["plain"]["all"]["ap"]["value"] == 1
    assert evaluation["identity"]["sha256"] == hashlib.sha256(default_model.read_bytes()).hexdigest()
    assert {"edge-retinaface", "opencv-python-headless"} <= evaluation["identity"]["versions"].keys()
    assert (output / "evaluation.json").read_text() == result.stdout
    assert {path.name for path in output.iterdir()} == {"curves.svg", "detections", "evaluation.json"}
    assert (annotated / "curves.png").exists()
    assert "█" not in result.stderr  # a progress bar is for terminals


@pytest.mark.convert
def test_a_model_compared_with_itself_differs_in_nothing(default_model: Path, annotated: Path) -> None:
    result = run(default_model, annotated, "--reference", default_model, "--json")
    assert result.returncode == 0, result.stderr
    comparison = json.loads(result.stdout)["comparison"]
    assert comparison["agreement"]["matched_share"]["value"] == 1
    assert comparison["ap_difference"]["plain"]["all"]["value"] == 0
    assert comparison["reference"] == comparison["candidate"] == str(default_model)


def test_a_users_mistake_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    missing = run(tmp_path / "none.tflite", tmp_path / "nowhere")
    assert (missing.returncode, missing.stdout) == (74, "")
    assert (
        missing.stderr
        == f"edge-retinaface eval: {tmp_path / 'nowhere'}: wanted annotated pictures, found nothing there\n"
    )
    nothing = run(tmp_path / "none.tflite", tmp_path, "--plot", tmp_path / "curves.docx")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(("folder", "said"), [("out", "the same command goes on from there"), (None, "not kept")])
def test_an_interrupted_run_says_how_far_it_came_and_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str | None, said: str
) -> None:
    pictures = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.full((8, 8, 3), number, np.uint8))
        pictures.append(path)

    def detect(pixels: U8) -> Detections:
        if pixels[0, 0, 0] == 2:
            raise KeyboardInterrupt
        return detections()

    empty = picture()
    entries = tuple(type(empty)(path, path.name, empty.boxes, empty.counts) for path in pictures)
    data = Dataset("json", tmp_path, entries, 0)
    with pytest.raises(KeyboardInterrupt):
        predict_all(Subject("stopped", detect, {}), data, tmp_path / folder if folder else None)
    told = " ".join(capsys.readouterr().err.split())
    assert told.startswith("stopped: interrupted after 2 of 3 pictures")
    assert said in told
