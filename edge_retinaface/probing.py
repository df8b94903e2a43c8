"""A model, with its delegate, tried in a process of its own: what breaks that process breaks nothing else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from edge_retinaface.config import ModelSettings
from edge_retinaface.errors import DelegateError

LIMIT_S = 90.0  # an accelerator loads its firmware first
PROBE = "edge_retinaface.checks.model_probe"


class ProbeError(DelegateError):
    """It does not work. `trouble` is how: "it hangs", "it crashes", or "" where it says itself what is wrong."""

    def __init__(self, found: str, trouble: str = "") -> None:
        super().__init__(found)
        self.trouble = trouble


def run_probe(settings: ModelSettings) -> bytes:
    """What the probe says of the model, JSON. ProbeError."""
    # -P: root may call this in anybody's folder
    command = [sys.executable, "-P", "-m", PROBE]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    told = msgspec.json.encode(settings)
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, input=told, capture_output=True, timeout=LIMIT_S, check=False, env=environ
        )
    except subprocess.TimeoutExpired as error:
        raise ProbeError(f"no answer within {LIMIT_S:.0f} s", "it hangs") from error
    if done.returncode < 0:
        raise ProbeError(f"the interpreter died of {signal.Signals(-done.returncode).name}", "it crashes")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing said"]
        raise ProbeError(said[0])
    return done.stdout
