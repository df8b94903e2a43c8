"""Whether the model loads and runs, and where."""

import msgspec

from edge_retinaface.checks.finding import Finding, failed
from edge_retinaface.checks.model_probe import Probed
from edge_retinaface.config import ModelSettings
from edge_retinaface.delegates import EDGETPU
from edge_retinaface.probing import ProbeError, run_probe


def check_model(settings: ModelSettings) -> Finding:
    """The finding "model", delegate included."""
    try:
        told = run_probe(settings)
    except ProbeError as error:
        return failed("model", error, _advice(settings, error.trouble))
    probed = msgspec.json.decode(told, type=Probed)
    delegate = f" on {settings.delegate}" if settings.delegate else ""
    if settings.delegate.startswith(EDGETPU) and not probed.is_for_edgetpu:
        found = f"{probed.name} is not compiled for the Edge TPU: all of it runs on the CPU"
        return failed("model", found, "compile it with edgetpu_compiler, or leave delegate out")
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
