import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from edge_retinaface.interpreter import GREETING, Interpreter, without_greeting
from edge_retinaface.model_file import read_model


@pytest.mark.convert
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


@pytest.mark.convert
def test_a_start_says_nothing_on_stderr(default_model: Path) -> None:
    program = f"from edge_retinaface import RetinaFace; RetinaFace({str(default_model)!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr == b""


def test_whatever_else_is_said_meanwhile_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress(ValueError), without_greeting():
        os.write(2, b"ERROR: first\n" + GREETING + b"\nERROR: no new line")
        raise ValueError("broken")
    os.write(2, b"; later\n")
    assert capfd.readouterr().err == "ERROR: first\nERROR: no new line; later\n"


def test_a_closed_stderr_is_no_trouble() -> None:
    program = "from edge_retinaface.interpreter import without_greeting\nwith without_greeting(): print(1)"
    done = subprocess.run(["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, program], capture_output=True, check=True)
    assert done.stdout == b"1\n"
