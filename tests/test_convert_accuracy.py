"""Int8 beside float on real pictures: minutes, so only with -m slow."""

import subprocess
import sys
from pathlib import Path

import pytest

from convert.evaluation.annotations import load_data
from convert.evaluation.comparison import Comparison, compare
from convert.evaluation.prediction import open_model, predict

pytestmark = [pytest.mark.convert, pytest.mark.evaluation, pytest.mark.slow, pytest.mark.timeout(3600)]
DATA = Path("../shared/data")
WEIGHTS = {
    "keras": DATA / "weights/retinaface_mobilenet025_keras.h5",
    "pytorch-1mb": DATA / "weights/retinaface_mobilenet0.25_Final.pth",
}


def make(folder: Path, name: str, mode: str) -> Path:
    path = folder / f"{name}-{mode}.tflite"
    source = ["quantize", str(WEIGHTS[name])] if name in WEIGHTS else ["default"]
    pictures = ["--pictures", str(DATA / "calibration")] if name != "scenes" else []
    command = [sys.executable, "-m", "convert", *source, "--mode", mode, "--output", str(path), *pictures]
    subprocess.run(command, check=True)
    return path


def compared(reference: Path, candidate: Path) -> Comparison:
    data = load_data(DATA / "wider_dev")
    subjects = open_model(reference), open_model(candidate)
    said = [tuple(predict(subject, data.pictures)) for subject in subjects]
    return compare(*subjects, data, (said[0], said[1]))


@pytest.mark.parametrize("name", ["default", "scenes", "keras", "pytorch-1mb"])
def test_int8_finds_what_float_finds(name: str, tmp_path: Path) -> None:
    if not DATA.exists():
        pytest.skip(f"no {DATA}")
    comparison = compared(make(tmp_path, name, "float32"), make(tmp_path, name, "int8"))
    assert comparison.agreement.matched_share.value > 0.93
    assert comparison.agreement.landmark_nme.value < 0.03
    for protocol, settings in comparison.ap_difference.items():
        for setting, difference in settings.items():
            assert difference.value > -0.02, (protocol, setting)
