"""Our programs, held to the rights of files also where root runs the tests."""

import os
import shutil
import subprocess
import sys

import pytest

LESS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def run_without_privilege(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m module`; the rights of root to read and write everything are taken from it."""
    less = LESS if os.geteuid() == 0 else []
    if less and not shutil.which(less[0]):
        pytest.skip("root may read everything, and setpriv is not installed")
    command = [*less, sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
