"""Boards that are not here: the files of their Debian, their wheels, and QEMU to run them. No timings come of it."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import nspawn

ROOT = Path(__file__).parent.parent
LIMIT_S = 600
# LiteRT 2.2 and newer crash in allocate_tensors under QEMU 7.2 (Debian 12) and run under QEMU 10 (Debian 13)
QEMU_SUITE = "trixie"


class Board(NamedTuple):
    """What is emulated."""

    suite: str
    arch: str  # Debian's name
    machine: str  # of wheels
    python: str
    packages: str  # of Debian


ARM64 = {
    "bookworm": Board("bookworm", "arm64", "aarch64", "3.11", "python3,python3-numpy,libstdc++6"),
    "trixie": Board("trixie", "arm64", "aarch64", "3.13", "python3,python3-numpy,libstdc++6"),
}
# no wheel of numpy, OpenCV or msgspec for 32 bits; Debian has the first two, the third is compiled
ARMHF = Board("bookworm", "armhf", "armv7l", "3.11", "python3,python3-numpy,python3-opencv,libpython3.11-dev")
CROSS_COMPILER = "arm-linux-gnueabihf-gcc"
GLIBCS = (17, 24, 26, 27, 28, 31, 34, 35, 36)


def missing() -> str:
    """What is needed and not there; "" if nothing."""
    if platform.machine() != "x86_64":
        return "needs x86-64"
    return "" if shutil.which("mmdebstrap") else "needs apt-get install mmdebstrap"


def files(suite: str, arch: str, packages: str) -> Path:
    """The files of a Debian with these packages, none of them configured; made once and kept."""
    key = hashlib.sha256(packages.encode()).hexdigest()[:8]
    root = nspawn.CACHE / f"files-{suite}-{arch}-{key}"
    with nspawn.made_once(root) as aside:
        if aside:
            command = ["mmdebstrap", "--quiet", "--variant=extract", f"--architectures={arch}"]
            nspawn.run(*command, f"--include={packages}", suite, str(aside))
            for name in ("bin", "lib", "sbin"):  # nobody has configured it
                if not (aside / name).exists():
                    (aside / name).symlink_to(f"usr/{name}")
    return root


def wheels(board: Board, requirements: str) -> Path:
    """A folder with these packages for the board; made once and kept."""
    key = hashlib.sha256(requirements.encode()).hexdigest()[:8]
    folder = nspawn.CACHE / f"wheels-{board.suite}-{board.arch}-{key}"
    with nspawn.made_once(folder) as aside:
        if aside:
            (aside / "wanted.txt").write_text(requirements)
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            command += ["--target", str(aside), "--only-binary=:all:", "--python-version", board.python]
            command += ["--implementation", "cp", "--requirement", str(aside / "wanted.txt")]
            for abi in (f"cp{board.python.replace('.', '')}", "abi3", "none"):
                command += ["--abi", abi]
            for glibc in ("2014", *(f"_2_{minor}" for minor in GLIBCS)):
                command += ["--platform", f"manylinux{glibc}_{board.machine}"]
            nspawn.run(*command)
    return folder


def compiled_msgspec(board: Board, version: str) -> Path:
    """A folder with msgspec for the 32-bit board, compiled here; made once and kept."""
    folder = nspawn.CACHE / f"msgspec-{version}-{board.arch}"
    with nspawn.made_once(folder) as aside:
        if aside:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
            nspawn.run(*command, "--dest", str(aside), f"msgspec=={version}")
            (archive,) = aside.glob("msgspec-*.tar.gz")
            shutil.unpack_archive(archive, aside, filter="data")
            (source,) = aside.glob("msgspec-*/src/msgspec/_core.c")
            shutil.copytree(source.parent, aside / "msgspec")
            headers = files(board.suite, board.arch, board.packages) / "usr/include"
            library = aside / "msgspec" / "_core.cpython-311-arm-linux-gnueabihf.so"
            command = [CROSS_COMPILER, "-O1", "-shared", "-fPIC", f"-I{headers / 'python3.11'}", f"-I{headers}"]
            nspawn.run(*command, "-o", str(library), *map(str, sorted(source.parent.glob("*.c"))))
    return folder


def fetch(board: Board) -> tuple[Path, Path]:
    """QEMU for the board, and the board's files; fetched once."""
    name = f"qemu-{board.machine.replace('armv7l', 'arm')}"
    qemu = files(QEMU_SUITE, "amd64", "qemu-user") / "usr/bin" / name
    return qemu, files(board.suite, board.arch, board.packages)


def run(board: Board, cpu: str, sites: list[Path], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python3 *arguments` on the board, with this project and `sites`."""
    emulator, root = fetch(board)
    libraries = [path for name in ("blas", "lapack") for path in root.glob(f"usr/lib/*/{name}")]
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/",
        "PYTHONHOME": str(root / "usr"),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, *sites, root / "usr/lib/python3/dist-packages"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),  # what Debian's alternatives would point to
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [str(emulator), "-cpu", cpu, "-L", str(root), str(root / f"usr/bin/python{board.python}"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ, timeout=LIMIT_S)
