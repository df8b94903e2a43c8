"""The units, judged by systemd's own tools without a running systemd."""

import shutil
import subprocess
from pathlib import Path

import pytest

from edge_retinaface.install import DROP_INS, below, plan, write

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: apt-get install systemd"
    ),
]
MAX_EXPOSURE = 1.6


def units(root: Path, drop_ins: tuple[str, ...] = ()) -> list[str]:
    """The paths of service and socket, installed below `root` with a command that exists here."""
    files = plan("/bin/true", drop_ins=drop_ins)
    list(write(files, root, dry_run=False))
    return [str(below(root, placed.path)) for placed in files if placed.path.suffix in {".service", ".socket"}]


def verify(paths: list[str]) -> subprocess.CompletedProcess[str]:
    # version 252 exits with 0 in spite of unknown keys: any output is a failure as well
    command = ["systemd-analyze", "verify", "--recursive-errors=yes", *paths]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("drop_ins", [(), *((name,) for name in DROP_INS), DROP_INS], ids=str)
def test_systemd_finds_nothing_to_complain_about(tmp_path: Path, drop_ins: tuple[str, ...]) -> None:
    done = verify(units(tmp_path, drop_ins))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_misspelt_key_would_be_seen(tmp_path: Path) -> None:
    service, socket = units(tmp_path)
    Path(service).write_text(Path(service).read_text().replace("WatchdogSec=", "WatchdgSec="))
    assert "WatchdgSec" in verify([service, socket]).stderr


@pytest.mark.parametrize("drop_ins", [(), DROP_INS], ids=str)
def test_the_exposure_is_at_most_1_6(tmp_path: Path, drop_ins: tuple[str, ...]) -> None:
    service, _ = units(tmp_path, drop_ins)
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MAX_EXPOSURE * 10:.0f}", service]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overall exposure level" in done.stdout
