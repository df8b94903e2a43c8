"""A Debian of another processor in which every program runs as on the board: the kernel hands them to QEMU."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import emulated
import nspawn
from emulated import Board

BINFMT = Path("/proc/sys/fs/binfmt_misc")
LIMIT_S = 600
# the first 20 bytes of a program for 64-bit ARM: ELF, 64 bits, little-endian, an executable or a library, machine 183
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def missing() -> str:
    """What is needed and not there; "" if nothing."""
    if os.geteuid() != 0:
        return "needs root"
    filesystems = Path("/proc/filesystems").read_text().split()
    return emulated.missing() or ("" if "binfmt_misc" in filesystems else "needs binfmt_misc in the kernel")


@contextmanager
def handed_to_qemu() -> Iterator[None]:
    """While this lasts the kernel runs programs for 64-bit ARM, wherever they lie (F: QEMU is opened now)."""
    qemu = emulated.files(emulated.QEMU_SUITE, "amd64", "qemu-user") / "usr/bin/qemu-aarch64"
    is_mounted = (BINFMT / "register").exists()
    if not is_mounted:
        nspawn.run("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
    entry = BINFMT / f"edge-retinaface-{os.getpid()}"
    try:
        (BINFMT / "register").write_text(f":{entry.name}:M::{MAGIC}:{MASK}:{qemu}:F")
        yield
    finally:
        if entry.exists():
            entry.write_text("-1")
        if not is_mounted:
            nspawn.run("umount", str(BINFMT))


@contextmanager
def opened(board: Board, folder: Path) -> Iterator[Path]:
    """The board's files, none of whose packages is configured; what is changed there is in `folder`."""
    with handed_to_qemu(), nspawn.overlay([emulated.fetch(board)[1]], folder / "upper") as here:
        for name in ("proc", "tmp"):
            (here / name).mkdir(exist_ok=True)
        yield here


def run(here: Path, *command: str, cpu: str) -> str:
    """What a program on the board says on standard output; AssertionError with all its words if it fails."""
    libraries = [f"/{path.relative_to(here)}" for name in ("blas", "lapack") for path in here.glob(f"usr/lib/*/{name}")]
    environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8", "QEMU_CPU": cpu}
    # what Debian's alternatives would point to
    environ |= {"LD_LIBRARY_PATH": ":".join(libraries), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["chroot", str(here), *command], capture_output=True, text=True, check=False, env=environ, timeout=LIMIT_S
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}"
    return done.stdout
