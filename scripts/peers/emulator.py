"""Programs on an emulated ARM processor, and the instructions they execute. `scripts/arm-count` has set it up."""

import itertools
import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from entrants import CACHE, ROOT

PROCESSORS = {"cortex-a72": "Pi 4", "cortex-a76": "Pi 5"}


def executed(processor: str, program: str, arguments: Iterable[object]) -> list[int]:
    """Guest instructions between one mark and the next of a program beside this file, one thread."""
    root = CACHE / "arm64"
    guest = {
        "LD_LIBRARY_PATH": "/usr/lib/aarch64-linux-gnu",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'scripts/peers'}:{CACHE / 'site'}",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = ["qemu-aarch64", "-cpu", processor, "-L", root, "-plugin", CACHE / "icount.so"]
    command += [part for name, value in guest.items() for part in ("-E", f"{name}={value}")]
    command += [root / "usr/bin/python3.11", ROOT / "scripts/peers" / program, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts"
        done = subprocess.run(
            command, env={**os.environ, "ICOUNT_OUT": str(out)}, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{program} on {processor} failed: {done.stderr.strip().splitlines()[-1:]}")
        marks = [int(line) for line in out.read_text().split()]
    return [after - before for before, after in itertools.pairwise(marks)]
