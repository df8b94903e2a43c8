"""Compression from weights to model file, on random weights."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from convert_weights import joined, quantize_to, random_weights
from distill_cases import noise_scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from convert.calibrate import Pictures
from convert.compress.budget import Budget
from convert.compress.macs import count_macs
from convert.compress.pipeline import compress
from convert.compress.store import parse_compressed, write_weights
from convert.distill.plan import Plan
from convert.families import PYTORCH, PYTORCH_RGB
from convert.layout import CONVS
from convert.network import build_network
from convert.quantize import make_spec
from convert.read_weights import read_weights
from convert.verify import passes, verify
from convert.weights import Weights
from edge_retinaface.data import F32
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import read_model

pytestmark = pytest.mark.convert
PLAN = Plan(steps=2, batch=2, view_hw=(64, 96), check_every=1)
BUDGET = Budget("macs", 600_000_000)
INPUT_HW = (64, 96)
PICTURES = [scene.pixels for scene in noise_scenes()]


@pytest.fixture(scope="module")
def small() -> Weights:
    return compress(random_weights(), PICTURES, BUDGET, PLAN).weights


@pytest.fixture(scope="module")
def content(small: Weights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "small.npz"
    write_weights(path, small)
    return path.read_bytes()


def outputs(weights: Weights) -> dict[str, F32]:
    picture = np.random.default_rng(0).normal(0, 60, (1, *INPUT_HW, 3)).astype(np.float32)
    return joined(build_network(weights, INPUT_HW)(picture))


def test_the_smaller_network_keeps_the_budget_and_says_what_was_done(small: Weights) -> None:
    done = small.source.compression
    assert done
    assert done.macs_before == count_macs(CONVS)
    assert done.macs_after == count_macs(small.convs) <= BUDGET.most
    assert (done.pictures, done.seed) == (6, 0)
    assert done.ranks or done.depthwise or done.widths
    for name, number in done.depthwise.items():
        assert sum(one.startswith(f"{name}.depthwise") for one in small.convs) == number
    assert all(small.convs[f"{name}.basis"].outputs == rank for name, rank in done.ranks.items())
    assert all(small.convs[name].outputs == width for name, width in done.widths.items())
    assert small.source.sha256 == random_weights().source.sha256


def test_the_smaller_network_says_about_what_the_original_said(small: Weights) -> None:
    wanted, found = outputs(random_weights()), outputs(small)
    for kind in ("boxes", "landmarks"):
        assert np.std(found[kind] - wanted[kind]) < 0.5 * np.std(wanted[kind])


def test_the_seed_of_the_training_does_not_decide_what_is_made_smaller(small: Weights) -> None:
    other = compress(random_weights(), PICTURES, BUDGET, PLAN._replace(seed=1, steps=0)).weights
    assert other.convs == small.convs


def test_the_file_is_read_back_by_its_content_to_the_last_bit(small: Weights, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.any"
    path.write_bytes(content)
    again, note = read_weights(path)
    assert (again.convs, again.source, again.family, note) == (small.convs, small.source, PYTORCH, "")
    for name, layer in small.layers.items():
        assert np.array_equal(layer.kernel, again.layers[name].kernel)
        assert np.array_equal(layer.bias, again.layers[name].bias)
    write_weights(tmp_path / "twice", again)
    assert (tmp_path / "twice").read_bytes() == content
    with pytest.raises(ModelError, match="wanted weights of family keras, found pytorch"):
        read_weights(path, "keras")


def test_weights_that_were_trained_in_rgb_are_not_turned_round_again(tmp_path: Path) -> None:
    weights = random_weights(PYTORCH_RGB)
    write_weights(tmp_path / "rgb", weights)
    again, _ = read_weights(tmp_path / "rgb")
    assert np.array_equal(again.layers["stage1.0"].kernel, weights.layers["stage1.0"].kernel)


@settings(max_examples=15, deadline=None)
@given(share=st.floats(0, 1), cut=st.booleans())
def test_a_file_cut_or_overwritten_anywhere_is_one_error_or_still_weights(
    content: bytes, share: float, *, cut: bool
) -> None:
    place = int(share * (len(content) - 9))
    broken = content[:place] if cut else content[:place] + b"\xff" * 8 + content[place + 8 :]
    try:
        weights = parse_compressed(broken, "broken")
    except ModelError:
        return
    assert "boxes_8" in weights.convs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace(b'"schema": 1', b'"schema": 9'), "wanted compressed weights of schema 1, found 9"),
        (lambda text: text.replace(b'"pytorch"', b'"pytroch"'), "wanted a family we know, found pytroch"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line(
    change: Callable[[bytes], bytes], message: str, content: bytes
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            raw = old.read(name)
            new.writestr(name, change(raw) if name.endswith(".json") else raw)
    with pytest.raises(ModelError, match=message):
        parse_compressed(buffer.getvalue(), "file")


def test_it_becomes_an_int8_file_whose_card_says_so(small: Weights, tmp_path: Path) -> None:
    spec = make_spec(small, INPUT_HW)
    pictures = Pictures.letterboxed(PICTURES, spec)
    path = tmp_path / "small.tflite"
    quantize_to(path, small, spec, "int8", pictures)
    model = read_model(path)
    assert model.card.weights.compression == small.source.compression
    assert passes(verify(model, small, PICTURES))
