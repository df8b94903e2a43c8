import io
from pathlib import Path

import h5py
import keras_family
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_family import write

from convert.backend import keras
from convert.families import KERAS, PYTORCH
from convert.import_keras import import_keras
from convert.import_onnx import import_onnx
from convert.layout import CONVS
from convert.network import build_network
from convert.weights import make_weights
from edge_retinaface.errors import ModelError

pytestmark = pytest.mark.convert
Saved = tuple[keras.Model, dict[str, bytes]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """The Keras family's network with random weights, saved in every way Keras has; and the network."""
    keras.utils.set_random_seed(1)
    network = keras_family.build((64, 96))
    random = np.random.default_rng(1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, one.shape) for one in layer.get_weights()])
    folder = tmp_path_factory.mktemp("keras")
    network.save(folder / "whole.keras")
    network.save_weights(folder / "new.weights.h5")
    with h5py.File(folder / "legacy.h5", "w") as file:
        save_legacy(file, network)
    return network, {path.name: path.read_bytes() for path in folder.iterdir()}


def save_legacy(file: h5py.File, network: keras.Model) -> None:
    """As Keras 2 wrote model.save_weights(….h5)."""
    file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
    for layer in network.layers:
        group = file.create_group(layer.name)
        names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
        group.attrs["weight_names"] = [name.encode() for name in names]
        for name, weight in zip(names, layer.weights, strict=True):
            group[name] = np.asarray(weight)


@pytest.mark.parametrize("name", ["whole.keras", "new.weights.h5", "legacy.h5"])
def test_every_way_of_saving_gives_the_same_layers(saved: Saved, name: str) -> None:
    network, files = saved
    layers, families = import_keras(files[name], name)
    assert families == (KERAS,)
    assert set(layers) == set(CONVS)
    gamma, beta, mean, var = network.get_layer("conv_dw_3_bn").get_weights()
    factor = gamma / np.sqrt(var + 1e-3)
    kernel = network.get_layer("conv_dw_3").get_weights()[0] * factor[:, None]
    np.testing.assert_allclose(layers["stage1.3.depthwise"].kernel, kernel, rtol=1e-5)
    np.testing.assert_allclose(layers["stage1.3.depthwise"].bias, beta - mean * factor, rtol=1e-4, atol=1e-6)


def test_our_own_saved_network_comes_back_bit_for_bit(tmp_path: Path) -> None:
    layers, _ = import_onnx(write(fold=True), "random")
    weights = make_weights(layers, PYTORCH, None)
    build_network(weights, (64, 96)).save(tmp_path / "own.keras")
    back, families = import_keras((tmp_path / "own.keras").read_bytes(), "own")
    assert PYTORCH in families
    for name, layer in weights.layers.items():
        np.testing.assert_array_equal(back[name].kernel, layer.kernel)
        np.testing.assert_array_equal(back[name].bias, layer.bias)


def test_another_keras_network_is_refused_at_its_first_layer(tmp_path: Path) -> None:
    picture = keras.Input((32, 32, 3))
    network = keras.Model(picture, keras.layers.Conv2D(16, 5, padding="same")(picture))
    network.save(tmp_path / "other.keras")
    with pytest.raises(
        ModelError, match=r"other: stage1\.0: wanted a 3x3 convolution 3 to 8.* found a 5x5 convolution"
    ):
        import_keras((tmp_path / "other.keras").read_bytes(), "other")
    keras.Sequential([picture, keras.layers.Dense(2)]).save(tmp_path / "sequence.keras")
    with pytest.raises(ModelError, match="wanted a functional Keras model, found Sequential"):
        import_keras((tmp_path / "sequence.keras").read_bytes(), "sequence")


def test_a_left_over_and_a_missing_layer_are_named(saved: Saved) -> None:
    _, files = saved

    def stranger(file: h5py.File, names: list[str]) -> list[str]:
        file.copy("conv1", "conv9")
        return [*names, "conv9"]

    for change, message in (
        (stranger, "found 1 left over: conv1/kernel:0"),
        (lambda _, names: names[2:], r"stage1\.0: wanted weights called conv1, found others"),
    ):
        stream = io.BytesIO(files["legacy.h5"])
        with h5py.File(stream, "r+") as file:
            file.attrs["layer_names"] = change(file, list(file.attrs["layer_names"]))
        with pytest.raises(ModelError, match=message):
            import_keras(stream.getvalue(), "edited")


@settings(max_examples=12, deadline=None)
@given(name=st.sampled_from(["whole.keras", "legacy.h5"]), share=st.floats(0, 1), cut=st.booleans())
def test_a_file_cut_or_overwritten_anywhere_is_one_error_or_still_weights(
    saved: Saved, name: str, share: float, *, cut: bool
) -> None:
    content = saved[1][name]
    place = int(share * (len(content) - 9))
    broken = content[:place] if cut else content[:place] + b"\xff" * 8 + content[place + 8 :]
    try:
        layers, _ = import_keras(broken, "broken")
    except ModelError:
        return
    assert set(layers) == set(CONVS)


def test_a_damaged_number_is_one_error_without_a_warning(saved: Saved) -> None:
    content = saved[1]["legacy.h5"]
    bits = np.asarray(saved[0].get_layer("conv_dw_3_bn").get_weights()[3]).tobytes()
    assert content.count(bits) == 1
    for number in (b"\x01\x00\x80\x7f", b"\xff\xff\x7f\xff"):  # a signalling NaN, and the least of all variances
        layers, [family] = import_keras(content.replace(bits, number + bits[4:]), "damaged")
        with pytest.raises(ModelError, match="wanted finite numbers, found infinity or NaN"):
            make_weights(layers, family, None)


@pytest.mark.evaluation
def test_the_published_file_gives_what_its_authors_network_gives() -> None:
    path = Path("../shared/data/weights/retinaface_mobilenet025_keras.h5")
    if not path.exists():
        pytest.skip(f"no {path}")
    layers, [family] = import_keras(path.read_bytes(), "published")
    reference = keras_family.build((240, 320))
    reference.load_weights(path)
    picture = np.random.default_rng(0).uniform(-120, 140, (1, 240, 320, 3)).astype(np.float32)
    boxes, _, landmarks = (np.asarray(one)[0] for one in reference(picture))
    outputs = build_network(make_weights(layers, family, None), (240, 320))(picture)
    for kind, wanted in (("boxes", boxes), ("landmarks", landmarks)):
        found = np.concatenate([np.asarray(outputs[f"{kind}_{s}"]).reshape(-1, wanted.shape[1]) for s in (8, 16, 32)])
        # its own float32 result is 6e-5 of the largest value away from its float64 result
        assert np.abs(found - wanted).max() < 2e-4 * np.abs(wanted).max()
