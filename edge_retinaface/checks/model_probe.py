"""Loads the model that standard input describes, runs it, and says on standard output what it is."""

import sys
from time import perf_counter

import msgspec
import numpy as np

from edge_retinaface.config import ModelSettings
from edge_retinaface.data import Frame
from edge_retinaface.errors import EdgeRetinaFaceError
from edge_retinaface.service.parts import open_detector

RUNS = 3  # the first is slower: memory is touched for the first time


class Probed(msgspec.Struct, frozen=True):
    """A model that works."""

    name: str
    input_hw: tuple[int, int]  # pixels
    ms: float  # a picture, at best
    edgetpu: int = 0  # parts that run on the Edge TPU
    others: dict[str, int] = {}  # operators beside them


def probe(settings: ModelSettings) -> Probed:
    """The model's name and how it does on grey pictures. ModelError, DelegateError."""
    detector = open_detector(settings)
    frame = Frame(np.full((*detector.input_hw, 3), 128, np.uint8), "BGR", 0, 0)
    times = []
    for _ in range(RUNS):
        start = perf_counter()
        detector.detect(frame)
        times.append(perf_counter() - start)
    edgetpu, others = detector.edgetpu_operators()
    return Probed(detector.model_name, detector.input_hw, round(min(times) * 1000, 1), edgetpu, others)


def main() -> None:
    """The process."""
    try:
        probed = probe(msgspec.json.decode(sys.stdin.buffer.read(), type=ModelSettings))
    except EdgeRetinaFaceError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(probed))


if __name__ == "__main__":
    main()
