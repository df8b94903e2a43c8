"""What the scripts share: the default model is of the code that is here."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PINS = ("constraints.txt", "pyproject.toml")  # an environment made from others would be made anew
CONVERTER = '#!/bin/sh\necho built >>"$4"\n'  # called as: convert default --output FILE


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project of one source file, with this project's environment and a converter that takes no time."""
    stamp = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in PINS)).hexdigest()[:16]
    if not (ROOT / f".venv/.made-from-{stamp}").exists():
        pytest.skip("scripts/setup has not made this environment")
    for folder in ("scripts", "convert", "edge_retinaface", "build", "bin"):
        (tmp_path / folder).mkdir()
    for name in (*PINS, "scripts/setup"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    for name in ("spec", "preprocess", "decode", "nms"):
        (tmp_path / f"edge_retinaface/{name}.py").touch()
    (tmp_path / "convert/code.py").write_text("1")
    (tmp_path / "bin/edge-retinaface").write_text(CONVERTER)
    (tmp_path / "bin/edge-retinaface").chmod(0o755)
    return tmp_path


def builds(checkout: Path) -> int:
    """How often the model has been built once a script has asked for it."""
    program = 'source scripts/setup; PATH=$root/bin:$PATH; default_model "$root/build/m.tflite"'
    environ = os.environ | {"PYTHON": str(ROOT / ".venv/bin/python")}
    subprocess.run(["bash", "-c", program], cwd=checkout, env=environ, check=True, capture_output=True)
    return (checkout / "build/m.tflite").read_text().count("built")


def test_the_default_model_is_built_once_and_again_when_its_code_changes(checkout: Path) -> None:
    assert builds(checkout) == 1
    assert builds(checkout) == 1
    (checkout / "convert/code.py").write_text("2")
    assert builds(checkout) == 2
    assert builds(checkout) == 2


def test_a_model_from_before_that_nobody_vouches_for_is_built_anew(checkout: Path) -> None:
    (checkout / "build/m.tflite").write_text("old\n")
    assert builds(checkout) == 1
    (checkout / "build/m.tflite").write_text("another\n")
    assert builds(checkout) == 1
    assert (checkout / "build/m.tflite").read_text() == "another\nbuilt\n"
