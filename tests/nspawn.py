"""A Debian with systemd as its first process and edge-retinaface installed, booted anew for each test."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-retinaface-tests"
PACKAGES = "systemd,systemd-sysv,dbus,udev,python3,python3-venv,iproute2"
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}  # by their Python: this one's pip chooses the wheels
VENV = "opt/edge-retinaface"
INSIDE = Path(__file__).with_name("nspawn_inside.py")
UNIT = """[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c '{}'
"""


def missing() -> str:
    """What is needed to boot a Debian here and is not there; "" if nothing."""
    if os.geteuid() != 0:
        return "needs root"
    tools = {"systemd-nspawn": "systemd-container", "mmdebstrap": "mmdebstrap"}
    packages = [package for tool, package in tools.items() if not shutil.which(tool)]
    if packages:
        return f"needs apt-get install {' '.join(packages)}"
    if sys.version_info[:2] not in SUITES or platform.machine() != "x86_64":
        return f"needs Python 3.11 or 3.13 on x86-64, found {platform.python_version()} on {platform.machine()}"
    return ""


def debian() -> Path:
    """A folder with a Debian and, in a virtual environment, all that the wheel needs; made once and kept."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pins = re.findall(r"^\S+==[^\\\n]+", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    suite = SUITES[sys.version_info[:2]]
    key = hashlib.sha256("\n".join([PACKAGES, *dependencies, *pins]).encode()).hexdigest()[:12]
    root = CACHE / f"{suite}-{key}"
    with made_once(root) as aside:
        if aside:
            bootstrap(aside, PACKAGES)
            run("chroot", str(aside), "python3", "-m", "venv", f"/{VENV}")
            (aside / "pins").write_text("\n".join(pins))
            (site,) = (aside / VENV).glob("lib/python3*/site-packages")
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            constraint = ["--only-binary=:all:", "--constraint", str(aside / "pins")]
            run(*pip, "--target", str(site), *constraint, *dependencies)
    return root


def bootstrap(folder: Path, packages: str) -> None:
    """Debian with `packages` and what they need, in the empty `folder`."""
    folder.chmod(0o755)
    suite = SUITES[sys.version_info[:2]]
    run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", suite, str(folder))


@contextmanager
def made_once(root: Path) -> Iterator[Path | None]:
    """An empty folder that becomes `root` if all goes well; None if `root` is there already."""
    if root.exists():
        yield None
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=CACHE))
    try:
        yield aside
        aside.rename(root)
    except BaseException:
        shutil.rmtree(aside)
        if not root.exists():  # else another run of the tests was quicker
            raise


def install(root: Path, layer: Path, wheel: Path) -> None:
    """Install the wheel and then the service over `root`; what that writes is in `layer`."""
    with overlay([root], layer) as here:
        shutil.copy(wheel, here)
        pip = f"/{VENV}/bin/pip"
        run("chroot", str(here), pip, "install", "--quiet", "--no-index", "--no-deps", f"/{wheel.name}")
        (here / wheel.name).unlink()
        run("chroot", str(here), f"/{VENV}/bin/edge-retinaface", "install-service")


def boot(
    layers: list[Path], script: str, *, files: dict[str, str] | None = None, limit_s: float = 120
) -> dict[str, Any]:
    """Boot the layers, uppermost first, with `files` put in; what the Python `script` passes to `report` inside."""
    with tempfile.TemporaryDirectory() as name, overlay(layers, Path(name, "upper")) as here:
        furnish(here, script, files or {}, "python3 /test.py >/test.out 2>&1; exec systemctl exit $?")
        # device and address rules are BPF programs on the unified hierarchy: without these they are silently not there
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"]
        command += ["--console=pipe", "--capability=CAP_BPF,CAP_PERFMON", "--system-call-filter=bpf"]
        command += [f"--machine=t{os.getpid()}", f"--directory={here}"]
        environ = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        console = Path(name, "console")
        with console.open("wb") as out:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environ, timeout=limit_s, check=False
            )
        said = here / "test.out"
        return findings((said if said.exists() else console).read_text(errors="replace"), done.returncode)


def furnish(here: Path, script: str, files: dict[str, str], command: str) -> None:
    """Put the script, the files, and a unit that runs `command` at boot into the system at `here`."""
    for path, text in {**files, "test.py": INSIDE.read_text() + script}.items():
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_text(text)
    units = here / "etc/systemd/system"
    (units / "test.service").write_text(UNIT.format(command))
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants/test.service").symlink_to("../test.service")


def findings(output: str, exit_code: int) -> dict[str, Any]:
    """What the script reported. AssertionError with all that it said if it failed."""
    if exit_code:
        raise AssertionError(f"inside, exit code {exit_code}:\n{output}")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


@contextmanager
def overlay(lower: list[Path], upper: Path) -> Iterator[Path]:
    """A folder that shows the lower layers, and writes to `upper`."""
    upper.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=upper.parent))
    here = Path(tempfile.mkdtemp(dir=upper.parent))
    options = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "overlay", "-o", options, str(here))
    try:
        yield here
    finally:
        run("umount", str(here))
        here.rmdir()
        shutil.rmtree(work)


def run(*command: str) -> None:
    """Run a program to its end. RuntimeError with its words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
