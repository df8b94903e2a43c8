import os
import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from convert_weights import joined
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx_family import Writer
from torch_writer import Tensor, save, state_dict

from convert.families import PYTORCH, PYTORCH_1MB, PYTORCH_RGB
from convert.import_pytorch import import_pytorch
from convert.layout import CONVS
from convert.names import BIUBUG6, YAKHYO, Naming
from convert.network import build_network
from convert.torch_file import LEGACY_MAGIC, read_checkpoint
from convert.weights import make_weights
from edge_retinaface.errors import ModelError


def tensors(arrays: Mapping[str, NDArray[np.generic]]) -> OrderedDict[str, Tensor]:
    return OrderedDict((name, Tensor(values)) for name, values in arrays.items())


def test_both_containers_give_back_the_tensors_bit_for_bit() -> None:
    arrays = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float64([1.5, -2]), "n": np.array(7)}
    for legacy in (True, False):
        content = save(tensors(arrays), legacy=legacy)
        assert content.startswith(LEGACY_MAGIC) == legacy
        found = read_checkpoint(content, "file")
        assert list(found) == list(arrays)
        for name, values in arrays.items():
            np.testing.assert_array_equal(found[name], values.astype(np.float32))


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("naming", [BIUBUG6, YAKHYO])
@pytest.mark.parametrize("prefix", ["", "module.", "model.module."])
def test_a_state_dict_fills_every_layer_under_either_naming_and_any_wrapper(
    *, naming: Naming, prefix: str, legacy: bool
) -> None:
    arrays = state_dict(naming, CONVS)
    content = save(tensors({prefix + name: values for name, values in arrays.items()}), legacy=legacy)
    layers, families = import_pytorch(content, "file")
    assert set(layers) == set(CONVS)
    assert families == (PYTORCH, PYTORCH_RGB, PYTORCH_1MB)
    head = arrays[f"{naming['boxes_16'].conv}.weight"]
    np.testing.assert_array_equal(layers["boxes_16"].kernel[0, 0], head[:, :, 0, 0].T)


def test_batch_normalization_is_folded_with_its_epsilon() -> None:
    arrays = state_dict(BIUBUG6, CONVS)
    layers, _ = import_pytorch(save(tensors(arrays)), "file")
    conv, norm = BIUBUG6["stage1.1.depthwise"]
    gamma, beta, mean, var = (arrays[f"{norm}.{role}"] for role in ("weight", "bias", "running_mean", "running_var"))
    factor = gamma / np.sqrt(var + 1e-5)
    kernel = arrays[f"{conv}.weight"][:, 0].transpose(1, 2, 0) * factor
    np.testing.assert_allclose(layers["stage1.1.depthwise"].kernel[..., 0], kernel, rtol=1e-6)
    np.testing.assert_allclose(layers["stage1.1.depthwise"].bias, beta - mean * factor, rtol=1e-5)


@pytest.mark.parametrize("key", ["state_dict", "model", "net"])
def test_a_state_dict_inside_a_training_checkpoint_is_found(key: str) -> None:
    momentum = {0: {"momentum_buffer": Tensor(np.zeros(3, np.float32))}}
    content = save({"epoch": 250, "optimizer": {"state": momentum}, key: tensors(state_dict(BIUBUG6, CONVS))})
    assert set(import_pytorch(content, "file")[0]) == set(CONVS)


def test_a_left_over_tensor_a_missing_one_and_a_wrong_shape_are_named() -> None:
    arrays = state_dict(BIUBUG6, CONVS)
    with pytest.raises(ModelError, match=r"found 1 left over: extra\.weight"):
        import_pytorch(save(tensors({**arrays, "extra.weight": np.zeros(3, np.float32)})), "file")
    missing = {name: values for name, values in arrays.items() if name != "fpn.merge1.0.weight"}
    with pytest.raises(ModelError, match=r"fpn\.merge1: wanted weights called fpn\.merge1\.0, found others"):
        import_pytorch(save(tensors(missing)), "file")
    wide = {**arrays, "body.stage1.0.0.weight": np.zeros((16, 3, 3, 3), np.float32)}
    with pytest.raises(ModelError, match=r"stage1\.0: wanted body\.stage1\.0\.0\.weight \(3, 3, 3, 8\), found"):
        import_pytorch(save(tensors(wide)), "file")


def test_another_network_is_refused_at_its_first_layer() -> None:
    content = save(tensors({"conv1.weight": np.zeros((64, 3, 7, 7), np.float32), "fc.bias": np.zeros(5, np.float32)}))
    with pytest.raises(
        ModelError, match=r"net\.pth: stage1\.0: wanted weights called body\.stage1\.0\.0, found others"
    ):
        import_pytorch(content, "net.pth")


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch /tmp/edge-retinaface-was-here",)


def test_nothing_in_a_pickle_is_called() -> None:
    content = LEGACY_MAGIC + b"".join(pickle.dumps(one, 2) for one in (1001, {}, Hostile()))
    with pytest.raises(ModelError, match=r"a pickled posix\.system, which is not loaded"):
        read_checkpoint(content, "file")


def test_a_whole_pickled_module_is_refused_with_advice() -> None:
    content = LEGACY_MAGIC + b"".join(pickle.dumps(one, 2) for one in (1001, {}, Tensor))
    with pytest.raises(ModelError, match=r"a pickled torch_writer\.Tensor, .*save model\.state_dict\(\)"):
        read_checkpoint(content, "file")


def test_a_tensor_that_looks_outside_its_storage_is_refused() -> None:
    honest = save({"a": Tensor(np.zeros((2, 2), np.float32))}, legacy=True)
    size, stride = b"K\x02K\x02\x86", b"K\x02K\x01\x86"
    for written, larger in ((size, b"K\xffK\xff\x86"), (size, b"K\x03K\x03\x86"), (stride, b"K\xc8K\x01\x86")):
        stolen = honest.replace(written, larger)
        assert stolen != honest
        with pytest.raises(ModelError, match="outside its storage"):
            read_checkpoint(stolen, "file")


SMALL = {legacy: save(tensors({"a.weight": np.ones((2, 3), np.float32)}), legacy=legacy) for legacy in (True, False)}


@settings(max_examples=200, deadline=None)
@given(legacy=st.booleans(), place=st.integers(0, 2**20), cut=st.booleans())
def test_a_checkpoint_cut_or_overwritten_anywhere_is_one_error_or_still_tensors(
    *, legacy: bool, place: int, cut: bool
) -> None:
    content = SMALL[legacy]
    place %= len(content)
    broken = content[:place] + (b"" if cut else b"\xff" + content[place + 1 :])
    try:
        found = read_checkpoint(broken, "file")
    except ModelError:
        return
    assert all(isinstance(values, np.ndarray) for values in found.values())


def in_order_of_the_writer() -> Iterator[str]:
    """The layout's names as the independent network asks for them: seven before five, heads by kind."""
    names = [name for name in CONVS if not name.startswith(("ssh", "boxes", "scores", "landmarks"))]
    yield from names
    for level in (1, 2, 3):
        parts = ("conv3x3", "conv5x5_1", "conv7x7_2", "conv7x7_3", "conv5x5_2")
        yield from (f"ssh{level}.{part}" for part in parts)
    yield from (f"{kind}_{stride}" for kind in ("boxes", "scores", "landmarks") for stride in (8, 16, 32))


@pytest.mark.evaluation
def test_the_published_file_computes_what_an_independent_network_with_its_numbers_computes() -> None:
    path = Path("../shared/data/weights/retinaface_mobilenet0.25_Final.pth")
    if not path.exists():
        pytest.skip(f"no {path}")
    tensors = read_checkpoint(path.read_bytes(), "published")

    def given() -> Iterator[tuple[NDArray[np.generic], ...]]:
        for conv, norm in (BIUBUG6[name] for name in in_order_of_the_writer()):
            if norm is None:
                yield (tensors[f"{conv}.weight"], None, tensors[f"{conv}.bias"], None, None)
            else:
                roles = ("weight", "bias", "running_mean", "running_var")
                yield (tensors[f"{conv}.weight"], *(tensors[f"{norm}.{role}"] for role in roles))

    content = Writer(given=given(), neck="relu").model("relu").SerializeToString()
    picture = np.random.default_rng(0).uniform(-120, 140, (1, 240, 320, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(content)
    boxes, scores, landmarks = (one[0] for one in session.run(None, {"picture": picture.transpose(0, 3, 1, 2)}))
    layers, families = import_pytorch(path.read_bytes(), "published")
    assert PYTORCH_1MB in families
    found = joined(build_network(make_weights(layers, PYTORCH_1MB, None), (240, 320))(picture))
    for one, wanted in ((found["boxes"], boxes), (found["landmarks"], landmarks)):
        assert np.abs(one - wanted).max() < 1e-4 * np.abs(wanted).max()
    assert np.abs(1 / (1 + np.exp(-found["scores"])) - scores[:, 1:]).max() < 1e-4
