import hashlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import Card, Output, Quantization, Weights, read_model, write_model
from edge_retinaface.spec import ModelSpec

FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 4
CARD = Card(
    name="mnet025-480x640-int8",
    created="2026-11-22T10:00:00Z",
    converter="0.1.0",
    spec=ModelSpec((480, 640)),
    outputs=(Output(name="boxes_8", kind="boxes", stride=8), Output(name="scores_8", kind="scores", stride=8)),
    quantization=Quantization(mode="int8", granularity="per_channel", images=12, digest="ab"),
    weights=Weights(format="onnx", sha256="cd"),
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.tflite"
    write_model(path, FLATBUFFER, CARD)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_card_comes_back_as_it_was_written(model: Path) -> None:
    found = read_model(model)
    assert found.flatbuffer == FLATBUFFER
    assert found.card == msgspec.structs.replace(CARD, sha256=hashlib.sha256(FLATBUFFER).hexdigest())


def test_the_file_starts_with_the_flatbuffer_and_equal_models_are_equal_files(model: Path) -> None:
    content = model.read_bytes()
    assert content.startswith(FLATBUFFER)
    write_model(model, FLATBUFFER, CARD)
    assert model.read_bytes() == content
    assert [path.name for path in model.parent.iterdir()] == ["m.tflite"]


def test_a_missing_file_is_named_and_counts_as_unreadable(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.tflite")
    with pytest.raises(ModelError) as caught:
        read_model(tmp_path / "none.tflite")
    assert caught.value.exit_code == 74


def test_files_that_are_no_models_say_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"")
    assert refusal(path).endswith("found an empty file")
    path.write_bytes(b"\xff\xd8\xff\xe0 no model")
    assert "found 13 bytes that start with ff d8" in refusal(path)


def test_a_model_without_a_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.tflite"
    path.write_bytes(FLATBUFFER)
    assert "wanted a model card" in refusal(path)


def test_another_schema_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "new.tflite"
    write_model(path, FLATBUFFER, msgspec.structs.replace(CARD, schema=2))
    assert refusal(path).endswith("wanted model card schema 1, found 2")


@given(st.integers(0, 2**20))
def test_every_truncation_is_one_clear_error(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    path = folder / "m.tflite"
    write_model(path, FLATBUFFER, CARD)
    content = path.read_bytes()
    path.write_bytes(content[: length % len(content)])
    refusal(path)


@given(place=st.integers(0, len(FLATBUFFER) - 1), bit=st.integers(0, 7))
def test_every_flipped_bit_of_the_network_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / "m.tflite"
    write_model(path, FLATBUFFER, CARD)
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)
    refusal(path)


def test_a_card_without_a_threshold_is_as_good_as_ever_and_an_impossible_one_is_refused(model: Path) -> None:
    assert read_model(model).card.threshold is None
    write_model(model, FLATBUFFER, msgspec.structs.replace(CARD, threshold=1.5))
    assert "damaged model card: Expected `float` <= 1.0" in refusal(model)
