"""Whether the model loads and runs, tried in a process of its own: a delegate may crash."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from edge_retinaface.checks.finding import Finding, failed
from edge_retinaface.checks.model_probe import Probed
from edge_retinaface.config import ModelSettings

LIMIT_S = 90.0  # an accelerator loads its firmware first
PROBE = "edge_retinaface.checks.model_probe"


def check_model(settings: ModelSettings) -> Finding:
    """The finding "model", delegate included."""
    # -P: root may call this in anybody's folder
    command = [sys.executable, "-P", "-m", PROBE]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            input=msgspec.json.encode(settings),
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
            env=environ,
        )
    except subprocess.TimeoutExpired:
        return failed("model", f"no answer within {LIMIT_S:.0f} s", _advice(settings, "it hangs"))
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return failed("model", f"the interpreter died of {name}", _advice(settings, "it crashes"))
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing said"]
        return failed("model", said[0], _advice(settings, ""))
    probed = msgspec.json.decode(done.stdout, type=Probed)
    delegate = f" on {settings.delegate}" if settings.delegate else ""
    height, width = probed.input_hw
    return Finding(
        "model", ok=True, found=f"{probed.name}, input {height}x{width}{delegate}, {probed.ms:.0f} ms a picture"
    )


def _advice(settings: ModelSettings, trouble: str) -> str:
    if not settings.delegate:
        return "[model] path: leave it out for the model that came with the package, or build it again with convert"
    if trouble:
        return f"{settings.delegate}: {trouble}: it must be built for the version of this interpreter"
    return 'is the accelerator plugged in, and its library installed? [model] delegate = "" runs on the CPU'
