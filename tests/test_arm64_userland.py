"""The package and the wheel, installed in Debians for 64-bit ARM, find the faces that are found here."""

import json
import shutil
from pathlib import Path

import pytest
import test_deb
import userland
from emulated import ARM64, wheels
from test_arm64 import BOX_PIXELS, CPUS, SCORE, TFLITE_RUNTIME, assert_same, requirements, without_litert

from edge_retinaface import RetinaFace

pytestmark = [
    pytest.mark.arm64,
    pytest.mark.slow,
    pytest.mark.convert,
    pytest.mark.timeout(3600),  # the first time makes a Debian, program by program under emulation
    pytest.mark.skipif(bool(userland.missing()), reason=userland.missing() or "-"),
]


def see_that_it_finds_the_same(here: Path, command: str, model: Path, picture: Path) -> None:
    """On both processors."""
    shutil.copy(picture, here / "srv/picture.png")
    shutil.copy(model, here / "srv/model.tflite")
    for cpu in CPUS:
        said = userland.run(
            here, command, "detect", "--json", "--model", "/srv/model.tflite", "/srv/picture.png", cpu=cpu
        )
        assert_same(json.loads(said), RetinaFace(model)(picture), BOX_PIXELS, SCORE)


@pytest.mark.parametrize("suite", ARM64)
def test_the_debian_package_installs_finds_the_same_faces_and_goes_without_a_trace(
    suite: str, tmp_path: Path, astronaut: Path
) -> None:
    with userland.opened(ARM64[suite], tmp_path) as here:
        shutil.copy(test_deb.package(suite, "arm64"), here / "srv/edge.deb")
        userland.run(here, "dpkg", "-i", "/srv/edge.deb")
        (model,) = (here / "usr/lib/edge-retinaface").rglob("default.tflite")
        see_that_it_finds_the_same(here, "edge-retinaface", model, astronaut)
        assert "the model that came with the package is in use" in userland.run(
            here, "edge-retinaface", "model", "list"
        )
        userland.run(here, "dpkg", "--purge", "edge-retinaface")
        ours = [path for top in ("etc", "usr", "var/lib") for path in (here / top).rglob("*edge-retinaface*")]
        assert [path for path in ours if "systemd" not in path.parts] == []


@pytest.mark.parametrize(
    ("suite", "interpreter"),
    [("bookworm", "ai-edge-litert"), ("bookworm", TFLITE_RUNTIME), ("trixie", "ai-edge-litert")],
)
def test_the_wheel_in_a_virtual_environment_finds_the_same_faces_with_either_interpreter(
    suite: str, interpreter: str, tmp_path: Path, wheel: Path, default_model: Path, astronaut: Path
) -> None:
    board = ARM64[suite]
    pins = without_litert(suite) if interpreter == TFLITE_RUNTIME else requirements(suite)
    with userland.opened(board, tmp_path) as here:
        userland.run(here, "python3", "-m", "venv", "--system-site-packages", "/opt/edge-retinaface")
        site = here / f"opt/edge-retinaface/lib/python{board.python}/site-packages"
        shutil.copytree(wheels(board, pins), site, dirs_exist_ok=True)
        shutil.copy(wheel, here / "srv")
        pip = "/opt/edge-retinaface/bin/pip"
        userland.run(here, pip, "install", "--quiet", "--no-index", "--no-deps", f"/srv/{wheel.name}")
        see_that_it_finds_the_same(here, "/opt/edge-retinaface/bin/edge-retinaface", default_model, astronaut)
