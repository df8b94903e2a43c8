"""Runs on the emulated processor: one inference of each file between two marks, a warming one before it."""

import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    """`arm_cuts.py FILE...`."""
    for file in sys.argv[1:]:
        interpreter = Interpreter(file, num_threads=1)
        interpreter.allocate_tensors()
        (entry,) = interpreter.get_input_details()
        noise = np.random.default_rng(0).integers(-128, 128, entry["shape"])
        interpreter.set_tensor(entry["index"], noise.astype(entry["dtype"]))
        interpreter.invoke()
        os.getppid()  # a mark, see icount.c
        interpreter.invoke()
        os.getppid()


if __name__ == "__main__":
    main()
