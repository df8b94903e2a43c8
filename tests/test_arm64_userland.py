"""The Debian package, unpacked in Debians for 64-bit ARM, finds with its own model the faces that are found here."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import test_deb
import userland
from emulated import ARM64
from test_arm64 import BOX_PIXELS, CPUS, SCORE, assert_same

from edge_retinaface import RetinaFace

pytestmark = [
    pytest.mark.arm64,
    pytest.mark.slow,
    pytest.mark.convert,
    pytest.mark.timeout(3600),  # the first time builds a package and fetches a Debian
    pytest.mark.skipif(bool(userland.missing()), reason=userland.missing() or "-"),
]


@pytest.mark.parametrize("suite", ARM64)
def test_the_debian_package_runs_and_finds_the_same_faces(suite: str, tmp_path: Path, astronaut: Path) -> None:
    with userland.opened(ARM64[suite], tmp_path) as here:
        unpacked = tmp_path / "unpacked"
        subprocess.run(["dpkg-deb", "--extract", str(test_deb.package(suite, "arm64")), str(unpacked)], check=True)
        shutil.copytree(unpacked / "usr", here / "usr", symlinks=True, dirs_exist_ok=True)  # in it /lib is a link there
        shutil.copy(astronaut, here / "picture.png")
        (model,) = (here / "usr/lib/edge-retinaface").rglob("default.tflite")
        for cpu in CPUS:
            said = userland.run(here, "edge-retinaface", "detect", "--json", "/picture.png", cpu=cpu)
            assert_same(json.loads(said), RetinaFace(model)(astronaut), BOX_PIXELS, SCORE)
