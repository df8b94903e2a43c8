"""What the wheel holds, pinned."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODEL_NAME = "edge_retinaface/_assets/default.tflite"


def build(out: Path, environ: dict[str, str]) -> zipfile.ZipFile:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, env=environ, text=True)
    (wheel,) = out.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.fixture(scope="module")
def bare_wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return build(tmp_path_factory.mktemp("bare"), {"PATH": "/usr/bin:/bin"})


def tracked(top: str) -> set[str]:
    found = subprocess.run(["git", "ls-files", top], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(found.stdout.split())


def test_the_wheel_holds_the_two_packages_and_the_assets_and_nothing_else(bare_wheel: zipfile.ZipFile) -> None:
    names = {name for name in bare_wheel.namelist() if ".dist-info/" not in name}
    assets = {f"edge_retinaface/_assets/{name}" for name in tracked("systemd") | tracked("deploy")}
    assert names == tracked("edge_retinaface") | tracked("convert") | assets


def test_the_wheel_says_it_is_typed_and_carries_the_licence(bare_wheel: zipfile.ZipFile) -> None:
    names = bare_wheel.namelist()
    assert "edge_retinaface/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_a_model_named_at_build_time_travels_inside(tmp_path: Path) -> None:
    model = tmp_path / "some.tflite"
    model.write_bytes(b"\x1c\0\0\0TFL3")
    wheel = build(tmp_path, {"PATH": "/usr/bin:/bin", "EDGE_RETINAFACE_MODEL": str(model)})
    assert wheel.read(MODEL_NAME) == model.read_bytes()


def test_a_device_installs_no_workshop() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    heavy = ("tensorflow", "keras", "onnx", "h5py", "scipy", "matplotlib", "scikit")
    assert [line for line in project["dependencies"] if line.startswith(heavy)] == []


def test_the_pinned_set_has_a_hash_for_everything_and_names_no_index() -> None:
    pins = (ROOT / "constraints.txt").read_text()
    assert "://" not in pins
    blocks = [block for block in pins.replace("\\\n", " ").splitlines() if "==" in block and not block.startswith(" ")]
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
