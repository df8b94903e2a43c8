"""Model files for the store's tests: whole and small, though no interpreter would take them."""

from pathlib import Path

import msgspec

from edge_retinaface.model_file import Card, Output, Quantization, Weights, write_model
from edge_retinaface.spec import ModelSpec
from edge_retinaface.store.disk import Step, no_step
from edge_retinaface.store.models import Store

CARD = Card(
    name="one",
    created="2026-11-22T10:00:00Z",
    converter="0.1.0",
    spec=ModelSpec((480, 640)),
    outputs=(Output(name="boxes_8", kind="boxes", stride=8),),
    quantization=Quantization(mode="int8"),
    weights=Weights(format="onnx", sha256="cd"),
)


def make_model(path: Path, name: str = "one", size: int = 1000) -> bytes:
    """Write a model of that name and return the file's content."""
    write_model(
        path, b"\x1c\x00\x00\x00TFL3" + name.encode() * (size // len(name)), msgspec.structs.replace(CARD, name=name)
    )
    return path.read_bytes()


class PackagedStore(Store):
    """A store beside whose models `folder`/packaged.tflite stands for the one that came with the package."""

    def __init__(self, folder: Path, step: Step = no_step) -> None:
        super().__init__(folder / "store", step)
        self._packaged = folder / "packaged.tflite"
        if not self._packaged.exists():
            make_model(self._packaged, "packaged")

    def packaged(self) -> Path:
        return self._packaged
