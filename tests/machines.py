"""Booted Debians that stay up while a test does something to them from outside."""

import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import nspawn

# in the place of ssh: the host is the number of a machine's first process, the command is the last word
SSH = """#!/bin/sh
while [ $# -gt 2 ]; do shift; done
exec nsenter --target "$1" --ipc --mount --net --pid --uts -- sh -c "$2"
"""


class Machine:
    """A Debian that is up until the end of the `with`, on this computer's network."""

    def __init__(self, root: Path, folder: Path, pictures: Path) -> None:
        self._stack = ExitStack()
        self.root = self._stack.enter_context(nspawn.overlay([root], folder / "upper"))
        shutil.copytree(pictures, self.root / "srv" / "pictures")
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"]
        command += [f"--machine={folder.name}{os.getpid()}", f"--directory={self.root}"]
        environ = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        out = self._stack.enter_context((folder / "console").open("wb"))
        self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environ)

    def __enter__(self) -> Self:
        end = time.monotonic() + 120
        while self("systemctl is-system-running --wait").stdout.strip() not in ("running", "degraded"):
            assert time.monotonic() < end, "did not boot"
            time.sleep(0.5)
        return self

    def __exit__(self, *_: object) -> None:
        self("systemctl poweroff --force --force")
        self._nspawn.wait(30)
        self._stack.close()

    @property
    def pid(self) -> int:
        """Of its first process."""
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def __call__(self, command: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "--target", str(self.pid), "--ipc", "--mount", "--net", "--pid", "--uts", "--"]
        return subprocess.run([*enter, "sh", "-c", command], capture_output=True, text=True, check=False)

    def current(self) -> str | None:
        found: str | None = json.loads(self("edge-retinaface model list --json").stdout)["current"]
        return found
