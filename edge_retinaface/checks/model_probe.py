"""Loads the model that standard input describes, runs it, and says on standard output what it is."""

import sys
from time import perf_counter

import msgspec
import numpy as np

from edge_retinaface.config import ModelSettings
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import EdgeRetinaFaceError

RUNS = 3  # the first is slower: memory is touched for the first time


class Probed(msgspec.Struct, frozen=True):
    """A model that works."""

    name: str
    input_hw: tuple[int, int]  # pixels
    ms: float  # a picture, at best


def probe(settings: ModelSettings) -> Probed:
    """The model's name and how it does on grey pictures. ModelError, DelegateError."""
    detector = RetinaFace(
        settings.path,
        min_score=settings.threshold,
        max_iou=settings.max_iou,
        threads=settings.threads,
        delegate=settings.delegate,
        package=settings.interpreter,
    )
    picture = np.full((*detector.input_hw, 3), 128, np.uint8)
    times = []
    for _ in range(RUNS):
        start = perf_counter()
        detector(picture)
        times.append(perf_counter() - start)
    return Probed(detector.model_name, detector.input_hw, round(min(times) * 1000, 1))


def main() -> None:
    """The process."""
    try:
        probed = probe(msgspec.json.decode(sys.stdin.buffer.read(), type=ModelSettings))
    except EdgeRetinaFaceError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(probed))


if __name__ == "__main__":
    main()
