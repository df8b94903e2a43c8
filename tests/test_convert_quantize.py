from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from convert_weights import quantize_to, random_weights

from convert.calibrate import Pictures
from convert.families import PYTORCH_1MB
from convert.layout import HEADS
from convert.quantize import make_spec, quantize
from convert.tflite import Mode, tensor_quantization
from convert.tune import TUNING
from convert.verify import passes, verify
from convert.weights import Layer, Weights
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import read_model

pytestmark = pytest.mark.convert
INPUT_HW = (64, 96)
SCENES = np.random.default_rng(0).integers(0, 256, (6, 60, 80, 3), np.uint8)

Make = Callable[[Mode], Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a model file of random weights, once a mode."""
    folder, weights = tmp_path_factory.mktemp("models"), random_weights()

    def made(mode: Mode) -> Path:
        path = folder / f"{mode}.tflite"
        if not path.exists():
            spec = make_spec(weights, INPUT_HW)
            pictures = Pictures.letterboxed(SCENES, spec)
            quantize_to(path, weights, spec, mode, pictures)
        return path

    return made


@pytest.mark.parametrize("mode", ["int8", "mixed", "float32", "float16", "dynamic_range"])
def test_the_runtime_loads_every_kind_of_file_and_its_outputs_are_the_networks(mode: Mode, make: Make) -> None:
    model = read_model(make(mode))
    assert RetinaFace(make(mode)).input_hw == INPUT_HW
    rows = verify(model, random_weights(), SCENES)
    assert [row.output for row in rows] == list(HEADS)
    least = {"int8": 15, "mixed": 15, "float32": 100, "float16": 45, "dynamic_range": 20}[mode]
    assert all(not row.decibels < least for row in rows), rows
    assert passes(rows)


def test_a_camera_byte_is_a_tensor_byte_with_its_top_bit_flipped(make: Make) -> None:
    quantization = tensor_quantization(read_model(make("int8")).flatbuffer)
    assert quantization["image"] == (1.0, 115 - 128)
    assert all(scale > 0 for scale, _ in quantization.values())


def test_the_card_says_what_the_file_is(make: Make) -> None:
    card = read_model(make("int8")).card
    assert card.name == "mnet025-64x96-int8"
    assert [output.name for output in card.outputs] == list(HEADS)
    assert {output.meaning for output in card.outputs if output.kind == "scores"} == {"logit_difference"}
    assert (card.quantization.mode, card.quantization.granularity, card.quantization.images) == (
        "int8",
        "per_channel",
        6,
    )
    assert len(card.quantization.digest) == 64
    assert (card.weights.format, card.spec.mean) == ("onnx", (104.0, 117.0, 123.0))
    assert read_model(make("float16")).card.quantization.images == 0


def test_the_spec_carries_the_familys_anchors() -> None:
    assert make_spec(random_weights(PYTORCH_1MB), INPUT_HW).anchor_sizes == ((10, 20), (32, 64), (128, 256))


def test_int8_without_pictures_is_refused() -> None:
    with pytest.raises(ModelError, match="int8: wanted calibration pictures, found none"):
        quantize(random_weights(), make_spec(random_weights(), INPUT_HW), "int8")


def test_pictures_without_a_face_teach_nothing_and_the_way_out_is_named() -> None:
    spec = make_spec(random_weights(), INPUT_HW)
    kernel, bias = random_weights().layers["scores_8"]
    blind = random_weights().with_layers(
        {f"scores_{stride}": Layer(kernel * 0, bias * 0 - 9) for stride in (8, 16, 32)}
    )
    with pytest.raises(
        ModelError, match="wanted pictures with faces, found none in 6 pictures; --no-tune does without"
    ):
        quantize(blind, spec, "int8", Pictures.letterboxed(SCENES, spec), tuning=TUNING)


def test_a_score_head_that_says_something_else_is_noticed(make: Make) -> None:
    def broken(weights: Weights) -> Weights:
        kernel, bias = weights.layers["scores_16"]
        return weights.with_layers({"scores_16": Layer(-kernel, bias)})

    rows = verify(read_model(make("int8")), broken(random_weights()), SCENES)
    assert [row.output for row in rows if row.decibels < 12] == ["scores_16"]
    assert not passes(rows)


def test_a_model_of_another_family_is_not_compared(make: Make) -> None:
    with pytest.raises(ModelError, match="wanted anchors and mean of family pytorch-1mb, found others"):
        verify(read_model(make("int8")), random_weights(PYTORCH_1MB), SCENES)


def left_to_the_interpreter(path: Path) -> list[str]:
    """Operators that no delegate runs: not on a way from a delegate's outputs back to its inputs."""
    interpreter = Interpreter(model_content=read_model(path).flatbuffer)
    interpreter.allocate_tensors()
    operators = interpreter._get_ops_details()  # noqa: SLF001 # the only view of the plan there is
    plain = [one for one in operators if one["op_name"] != "DELEGATE"]
    maker = {int(index): one for one in plain for index in one["outputs"]}
    taken: set[int] = set()
    for delegate in (one for one in operators if one["op_name"] == "DELEGATE"):
        ends, pending = set(map(int, delegate["inputs"])), [int(index) for index in delegate["outputs"]]
        while pending:
            index = pending.pop()
            if index in ends or index not in maker or maker[index]["index"] in taken:
                continue
            taken.add(maker[index]["index"])
            pending.extend(int(one) for one in maker[index]["inputs"] if one >= 0)
    return [one["op_name"] for one in plain if one["index"] not in taken]


def test_xnnpack_runs_everything_but_the_nearest_resizes(make: Make) -> None:
    for mode in ("int8", "float32"):
        assert left_to_the_interpreter(make(mode)) == ["RESIZE_NEAREST_NEIGHBOR"] * 2
