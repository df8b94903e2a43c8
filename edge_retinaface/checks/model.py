"""Whether the model loads and runs, and where."""

import msgspec

from edge_retinaface.checks.finding import Finding, failed
from edge_retinaface.checks.model_probe import Probed
from edge_retinaface.checks.service import refused_device
from edge_retinaface.config import ModelSettings
from edge_retinaface.delegates import is_for_edgetpu, names_edgetpu
from edge_retinaface.errors import ModelError
from edge_retinaface.message import Stats
from edge_retinaface.model_file import read_model
from edge_retinaface.probing import ProbeError, run_probe
from edge_retinaface.service.parts import model_path

NOT_COMPILED = "is not compiled for the Edge TPU: all of it runs on the CPU"
COMPILE = "compile it with edgetpu_compiler, or leave delegate out"


def check_model(settings: ModelSettings) -> Finding:
    """The finding "model", delegate included."""
    try:
        told = run_probe(settings)
    except ProbeError as error:
        return failed("model", error, _advice(settings, error.trouble))
    probed = msgspec.json.decode(told, type=Probed)
    if names_edgetpu(settings.delegate) and not probed.edgetpu:
        return failed("model", f"{probed.name} {NOT_COMPILED}", COMPILE)
    if probed.edgetpu and (remedy := refused_device("char-usb_device", "coral")):
        return failed("model", f"{probed.name} runs on the Edge TPU, but the service may not use it", remedy)
    height, width = probed.input_hw
    found = f"{probed.name}, input {height}x{width}{_place(settings, probed)}, {probed.ms:.0f} ms a picture"
    return Finding("model", ok=True, found=found)


def running_model(settings: ModelSettings, stats: Stats) -> Finding:
    """The same of a service that runs with an accelerator, which is its own: nobody else can try it just now."""
    try:
        model = read_model(model_path(settings))
    except ModelError as error:
        return failed("model", error, _advice(settings, ""))
    if names_edgetpu(settings.delegate) and not is_for_edgetpu(model.flatbuffer):
        return failed("model", f"{model.card.name} {NOT_COMPILED}", COMPILE)
    place = "on the Edge TPU, as it was compiled for it" if is_for_edgetpu(model.flatbuffer) else settings.delegate
    return Finding("model", ok=True, found=f"{stats.model}, in use by the service {place}")


def _place(settings: ModelSettings, probed: Probed) -> str:
    if not probed.edgetpu:
        return f" on {settings.delegate}" if settings.delegate else ""
    others = ", ".join(f"{count} {name}" for name, count in probed.others.items())
    return f" on {settings.delegate}, on the Edge TPU {f'but for {others}' if others else 'all of it'}"


def _advice(settings: ModelSettings, trouble: str) -> str:
    if not settings.delegate:
        return "[model] path: leave it out for the model that came with the package, or build it again with convert"
    if trouble:
        return f"{settings.delegate}: {trouble}: it must be built for the version of this interpreter"
    return 'is the accelerator plugged in, and its library installed? [model] delegate = "" runs on the CPU'
