from pathlib import Path

import numpy as np
import pytest

from edge_retinaface.interpreter import Interpreter
from edge_retinaface.model_file import read_model

pytestmark = pytest.mark.convert


def test_the_network_leaves_its_input_alone_so_padding_is_written_once(default_model: Path) -> None:
    interpreter = Interpreter(read_model(default_model))
    random = np.random.default_rng(1)
    outputs = []
    for _ in range(3):
        pixels = random.integers(0, 256, (360, 640, 3), np.uint8)
        interpreter.fill(pixels, "BGR")
        for _ in range(2):
            interpreter.invoke()
        tensor = interpreter._input()[0].copy()  # noqa: SLF001 - nobody else needs to read the input
        assert (tensor[:360] == pixels.astype(int) - 128).all()
        assert (tensor[360:] == 115 - 128).all()
        outputs.append(interpreter.invoke()[0].scores.values.copy())
    assert (outputs[0] != outputs[1]).any()
