"""The command `convert edgetpu`, the flavour it is for, and the compiler played by a script."""

import json
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from convert_weights import default_weights, quantize_to
from edgetpu_cases import build, int8_model
from typer.testing import CliRunner, Result

from convert.backend import keras
from convert.calibrate import Pictures
from convert.cli import app
from convert.edgetpu.compiler import parse_log
from convert.edgetpu.graph import read_graph
from convert.edgetpu.verdict import predict
from convert.network import build_network
from convert.quantize import make_spec
from convert.sample_pictures import sample_scenes
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import read_model

pytestmark = pytest.mark.convert
ROOT = Path(__file__).parent.parent
SIZE = (256, 256)

SAID = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 1524 ms.

Input model: {stem}.tflite
Input size: 4.24MiB
Output model: {stem}_edgetpu.tflite
Output size: 5.57MiB
On-chip memory used for caching model parameters: 4.21MiB
On-chip memory remaining for caching model parameters: 3.29MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 106
Operation log: {stem}_edgetpu.log
See the operation log file for individual operation details.
Compilation child process completed within timeout period.
Compilation succeeded!
"""
LOG = """Edge TPU Compiler version 16.0.384591198
Input: {stem}.tflite
Output: {stem}_edgetpu.tflite

Operator                       Count      Status

{rows}
"""
ALL = {"CONV_2D": 43, "PRELU": 38, "DEPTHWISE_CONV_2D": 13, "PAD": 5, "CONCATENATION": 3, "ADD": 2,
       "RESIZE_NEAREST_NEIGHBOR": 2}  # fmt: skip
TOO_LARGE = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.
ERROR: Restored original execution plan after delegate application failure.
Compilation failed: Compilation failed due to large activation tensors in model.
Compilation child process completed within timeout period.
Compilation failed!
"""


@pytest.fixture(scope="module")
def coral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flavour for the Edge TPU, int8."""
    weights = default_weights()
    spec = make_spec(weights, SIZE)
    pictures = Pictures.letterboxed(sample_scenes(SIZE, 4), spec)
    path = tmp_path_factory.mktemp("coral") / "coral.tflite"
    quantize_to(path, weights, spec, "int8", pictures, "edgetpu")
    return path


def run(*arguments: str | Path, path: Path | None = None) -> Result:
    """`convert edgetpu`; `path` is the only folder on the PATH."""
    environ = {"PATH": str(path or "/nowhere")}
    return CliRunner().invoke(app, ["edgetpu", *map(str, arguments)], env=environ)


def play_compiler(
    folder: Path, *, said: str, rows: str = "", code: int = 0, kill: int = 0, writes: bool = True
) -> Path:
    """A program that answers as the compiler does."""
    folder.mkdir()
    program = folder / "edgetpu_compiler"
    program.write_text(
        f"""#!{sys.executable}
import os, pathlib, sys
show, flag, folder, model = sys.argv[1:]
assert (show, flag) == ("-s", "-o")
stem = pathlib.Path(model).stem
print({said!r}.replace("{{stem}}", stem))
if {kill}:
    os.kill(os.getpid(), {kill})
if {writes}:
    made = pathlib.Path(folder, stem + "_edgetpu")
    made.with_suffix(".tflite").write_bytes(pathlib.Path(model).read_bytes())
    made.with_suffix(".log").write_text({LOG!r}.replace("{{stem}}", stem).replace("{{rows}}", {rows!r}))
sys.exit({code})
"""
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def rows(counts: dict[str, int], status: str = "Mapped to Edge TPU") -> str:
    return "\n".join(f"{name:<31}{count:<11}{status}" for name, count in counts.items())


def test_the_flavour_equals_the_network_for_the_processor_to_1e_5() -> None:
    picture = np.random.default_rng(1).normal(0, 60, (1, *SIZE, 3)).astype(np.float32)
    plain, coral = (build_network(default_weights(), SIZE, target)(picture) for target in ("cpu", "edgetpu"))
    for name, wanted in plain.items():
        assert np.abs(np.asarray(coral[name]) - np.asarray(wanted)).max() <= 1e-5 * max(1, np.abs(wanted).max()), name


def test_the_flavour_maps_as_a_whole_and_has_nine_raw_outputs(coral: Path) -> None:
    model = read_model(coral)
    graph = read_graph(model.flatbuffer, "coral")
    verdict = predict(graph)
    assert (verdict.mapped, verdict.share, verdict.refusal) == (106, 1.0, "")
    assert Counter(op.name for op in graph.ops) == ALL
    resizes = [op for op in graph.ops if op.name == "RESIZE_NEAREST_NEIGHBOR"]
    assert [(op.option("halfPixelCenters"), op.option("alignCorners"), op.version) for op in resizes] == [(0, 0, 2)] * 2
    read = {tensor for op in graph.ops for tensor in op.reads}
    ends = [op.name for op in graph.ops if not read & set(op.writes)]
    assert ends == ["CONV_2D"] * 9


def test_the_flavour_finds_the_astronaut_on_the_processor(coral: Path, astronaut: Path) -> None:
    (face,) = list(RetinaFace(coral)(astronaut))
    box, score, _ = face
    assert score > 0.9
    assert np.abs(box - [181, 64, 273, 177]).max() < 10


def test_without_a_compiler_the_verdict_is_a_prediction_and_json_has_every_operation(coral: Path) -> None:
    done = run(coral, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0, done.stderr
    assert (told["mapped"], told["operations"], told["mapped_share"]) == (106, 106, 1.0)
    assert [op["index"] for op in told["ops"]] == list(range(106))
    assert "truth" not in told
    assert "not on the PATH" in done.stderr


def test_a_model_that_does_not_map_ends_with_1_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "leaky.tflite"
    path.write_bytes(int8_model(build(lambda x: keras.layers.LeakyReLU(0.1)(keras.layers.Conv2D(2, 1)(x)), (8, 8, 3))))
    done = run(path)
    assert done.exit_code == 1
    assert "LEAKY_RELU" in done.stdout
    assert "Operation not supported" in done.stdout
    assert "1 of 2 operations on the Edge TPU, 100.0%" in done.stdout


@pytest.mark.parametrize("content", [b"", b"hello", b"\0\0\0\0TFL3" + bytes(50)])
def test_what_is_no_model_is_an_error_of_65(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    error = run(path).exception
    assert isinstance(error, ModelError)
    assert error.exit_code == 65


def test_the_command_ends_with_65_and_one_line_for_what_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"hello")
    command = [sys.executable, "-m", "convert", "edgetpu", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 65
    assert done.stderr.startswith("edge-retinaface convert: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_compiler_that_agrees_leaves_its_file_with_our_card(coral: Path, tmp_path: Path) -> None:
    compiler = play_compiler(tmp_path / "bin", said=SAID, rows=rows(ALL))
    target = tmp_path / "out.tflite"
    done = run(coral, "-o", target, path=compiler)
    assert done.exit_code == 0, done.stderr
    assert "the prediction was right" in done.stdout
    assert read_model(target).card.spec == read_model(coral).card.spec


def test_a_compiler_that_maps_less_is_the_truth_and_the_difference_is_told(coral: Path, tmp_path: Path) -> None:
    mapped = ALL | {"PRELU": 30}
    table = rows(mapped) + "\n" + rows({"PRELU": 8}, "Operation is otherwise supported, but not mapped due to …")
    compiler = play_compiler(tmp_path / "bin", said=SAID, rows=table)
    done = run(coral, "--json", "-o", tmp_path / "out.tflite", path=compiler)
    truth = json.loads(done.stdout)["truth"]
    assert done.exit_code == 1
    assert (truth["wrong"], truth["agreed"], truth["version"]) == (8, False, "16.0.384591198")
    assert truth["differences"] == [{"op": "PRELU", "predicted": 38, "mapped": 30, "total": 38}]


@pytest.mark.parametrize(
    ("said", "kill", "code", "told"),
    [
        (TOO_LARGE, 0, 1, "large activation tensors"),
        ("Edge TPU Compiler version 16.0.384591198\n\nInternal compiler error. Aborting!\n", 0, 1, "Internal compiler"),
        ("Edge TPU Compiler version 16.0.384591198\nInvalid model: x.tflite\nModel not quantized\n", 0, 1, "quantized"),
        ("Edge TPU Compiler version 16.0.384591198\n", 11, 0, "signal 11"),
        ("", 0, 3, "exit code 3"),
    ],
)
def test_a_compiler_that_fails_is_told_and_ends_with_1(
    coral: Path, tmp_path: Path, said: str, kill: int, code: int, told: str
) -> None:
    compiler = play_compiler(tmp_path / "bin", said=said, kill=kill, code=code, writes=False)
    done = run(coral, "-o", tmp_path / "out.tflite", path=compiler)
    assert done.exit_code == 1
    assert told in done.stdout
    assert "wrong for 106 operations" in done.stdout
    assert not (tmp_path / "out.tflite").exists()


def test_a_log_of_nothing_counts_nothing() -> None:
    log = parse_log("")
    assert (log.version, log.rows, log.subgraphs, log.failure) == ("", Counter(), None, "")


def test_a_printed_table_is_read_where_there_is_no_log_file() -> None:
    log = parse_log(
        "Edge TPU Compiler version 15.0.340273435\nNumber of Edge TPU subgraphs: 1\n\n"
        "Operator                       Count      Status\n\n"
        "QUANTIZE                       1          Mapped to Edge TPU\n"
        "STRIDED_SLICE                  4          Only Strided-Slice with unitary strides supported\n"
        "CONV_2D                        62         More than one subgraph is not supported\n"
    )
    assert (log.version, log.subgraphs) == ("15.0.340273435", 1)
    assert log.operations("QUANTIZE", mapped=True) == 1
    assert log.operations("CONV_2D", mapped=False) == 62
    assert not log.all_mapped
