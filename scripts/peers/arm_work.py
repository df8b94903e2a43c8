"""Runs on the emulated processor: one kind of work, once and then so many times between two marks."""

import os
import sys

import cv2
import numpy as np


def main() -> None:
    """`arm_work.py KIND TIMES PICTURE FILE [HEIGHTxWIDTH]`."""
    kind, times, picture, file = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    cv2.setNumThreads(1)
    pixels = np.load(picture)
    if kind in ("letterbox", "invoke", "frame"):
        from edge_retinaface.data import Frame
        from edge_retinaface.detector import RetinaFace

        detector = RetinaFace(file)
        inner, frame = detector._interpreter, Frame(pixels, "BGR", 0, 0)  # noqa: SLF001 - a part of it is measured
        work = {
            "letterbox": lambda: inner.fill(pixels, "BGR"),
            "invoke": lambda: inner.invoke() and None,
            "frame": lambda: detector.detect(frame),
        }[kind]
    else:
        import detectors

        height, width = map(int, sys.argv[5].split("x"))
        peer = {
            "ncnn": lambda: detectors.ncnn(file, (height, width), 1),
            "yunet": lambda: detectors.yunet(file, width),
            "haar": lambda: detectors.haar(width),
        }[kind]()
        work = lambda: peer(pixels)  # noqa: E731
    work()
    os.getppid()  # a mark, see icount.c
    for _ in range(times):
        work()
    os.getppid()


if __name__ == "__main__":
    main()
