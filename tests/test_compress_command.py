"""The command `compress`, and `quantize --compress`, up to where the minutes begin."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from convert_weights import random_weights
from msgspec import structs

from convert.calibrate import Pictures
from convert.compress.command import describe
from convert.compress.pipeline import Compressed
from convert.compress.shape import Shape, Split, smaller_table
from convert.compress.store import write_weights
from convert.compress.units import find_units
from convert.layout import CONVS
from convert.make.search import FLOAT, Job
from convert.make.shown import Shown, choose_pictures, training_pictures
from convert.make.smaller import read_pair
from convert.quantize import make_spec
from edge_retinaface.errors import UsageError
from edge_retinaface.model_file import Compression, read_model

pytestmark = pytest.mark.convert
SPEC = make_spec(random_weights(), (64, 96))
DONE = Compression(
    macs_before=7, macs_after=5, ranks={"fpn.merge1": 32}, widths={}, pictures=3, digest="", steps=9, seed=0
)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["compress", "any", "--pictures", ".", "--budget", "few"], "pi4:165M or pi5:0.75, found few"),
        (["quantize", "any", "--compress", "few", "--pictures", "."], "pi4:165M or pi5:0.75, found few"),
        (["quantize", "any", "--compress", "0.7"], "--compress: wanted --pictures, a folder of pictures with faces"),
        (["quantize", "any", "--compress", "0.7", "--pictures", ".", "--mode", "float32"], "found float32"),
        (["quantize", "any", "--compress", "0.7", "--original", "."], "compressed already, found --compress"),
        (["quantize", "any", "--original", ".", "--mode", "float32"], "--original: wanted a quantized --mode"),
    ],
)
def test_a_users_mistake_is_one_line_before_anything_is_read(arguments: list[str], line: str) -> None:
    command = [sys.executable, "-m", "convert", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr


def test_the_float_file_is_the_originals_and_all_others_are_the_smaller_networks(tmp_path: Path) -> None:
    source = random_weights().source
    smaller = replace(random_weights(), source=type(source)(format="onnx", sha256="1" * 64, compression=DONE))
    pictures = Pictures.letterboxed(np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3), np.uint8), SPEC)
    job = Job(random_weights(), SPEC, "cpu", Shown(pictures, (), ""), None, smaller=smaller)
    assert read_model(job.make(FLOAT, tmp_path, "cpu")).card.weights.compression is None
    assert read_model(job.make("float16", tmp_path, "cpu")).card.weights.compression == DONE


def test_what_was_done_names_every_cost_and_those_that_are_not_less() -> None:
    whole = random_weights()
    halves = {"fpn.merge1": Split("depthwise", 4), "fpn.merge2": Split("depthwise", 4)}
    small = replace(whole, convs=smaller_table(CONVS, find_units(CONVS), {}, Shape(halves)))
    lines = describe(whole, Compressed(small, DONE, 2, 1))
    assert lines[0] == "multiplications at 480x640: 735 to 626 million"
    assert lines[1] == "instructions of a Pi 4, int8: 260 to 238 million"
    assert lines[2] == "instructions of a Pi 5, int8: 115 to 116 million, none spared"
    assert lines[3:] == ["  fpn.merge1: rank 32", "  trained 9 steps: loss 2.000 to 1.000"]
    untrained = Compressed(small, structs.replace(DONE, steps=0), 2, 2)
    assert describe(whole, untrained)[-1] == "  training made nothing better: loss 2.000 without it, which is kept"


def test_compressed_weights_and_their_original_are_a_pair_and_any_others_are_refused(tmp_path: Path) -> None:
    whole = random_weights()
    sources = {
        "whole": whole.source,
        "small": structs.replace(whole.source, compression=DONE),
        "strange": structs.replace(whole.source, compression=DONE, sha256="1" * 64),
    }
    for name, source in sources.items():
        write_weights(tmp_path / name, replace(whole, source=source))
    pair = read_pair(tmp_path / "small", None, tmp_path / "whole")
    assert (pair.whole.source, pair.smaller and pair.smaller.source) == (sources["whole"], sources["small"])
    assert read_pair(tmp_path / "small", None, None).smaller is None
    for name, found in (("strange", "another's"), ("whole", "weights that are not compressed")):
        with pytest.raises(UsageError, match=f"wanted what convert compress made of .*, found {found}"):
            read_pair(tmp_path / name, None, tmp_path / "whole")


def test_pictures_kept_back_to_measure_on_are_not_trained_on(tmp_path: Path) -> None:
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"{number:02}.png"), np.full((64, 96, 3), 10 * number, np.uint8))
    trained = [int(one.mean()) for one in training_pictures(tmp_path, keep_back=True)]
    kept = [int(one.mean()) for one in choose_pictures(tmp_path, SPEC, keep_back=True).kept_back]
    assert (trained, kept) == ([0, 10, 20, 30, 50, 60, 70, 80, 100, 110], [40, 90])
    assert len(training_pictures(tmp_path, keep_back=False)) == 12
