import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_family import edit, write

from convert.families import LEAKY, PYTORCH, PYTORCH_RGB
from convert.import_onnx import import_onnx
from convert.layout import CONVS
from edge_retinaface.errors import ModelError


def test_an_export_with_folded_batch_normalization_gives_the_same_layers_as_one_without() -> None:
    plain, families = import_onnx(write(), "plain")
    folded, _ = import_onnx(write(fold=True), "folded")
    assert set(plain) == set(CONVS)
    for name, layer in plain.items():
        np.testing.assert_allclose(layer.kernel, folded[name].kernel, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer.bias, folded[name].bias, rtol=1e-4, atol=1e-5)
    assert families == (PYTORCH, PYTORCH_RGB)
    assert all(family.structure == LEAKY for family in families)


@pytest.mark.parametrize("exported", [{"twice": True}, {"alias": True}, {"twice": True, "fold": True, "alias": True}])
def test_a_shared_convolution_exported_twice_and_renamed_arrays_are_seen_through(exported: dict[str, bool]) -> None:
    plain, _ = import_onnx(write(), "plain")
    other, _ = import_onnx(write(**exported), "other")
    for name, layer in plain.items():
        np.testing.assert_allclose(layer.kernel, other[name].kernel, rtol=1e-5, atol=1e-6)


def test_relu_everywhere_is_another_family() -> None:
    with pytest.raises(ModelError, match=r"fpn\.output1: wanted .* then relu, after stage1\.5\.pointwise; found"):
        import_onnx(write(act="relu"), "mixed")  # its neck is still leaky: no family has that


def test_a_network_of_another_width_is_refused_at_its_first_convolution() -> None:
    with pytest.raises(ModelError, match=r"wide\.onnx: stage1\.0: wanted a 3x3 convolution 3 to 8.* 3 to 16, stride 2"):
        import_onnx(write(width=16), "wide.onnx")


def test_another_slope_is_refused_where_it_first_shows() -> None:
    with pytest.raises(ModelError, match=r"stage1\.0: .*leaky_relu 0\.2"):
        import_onnx(write(slope=0.2), "steep")


def test_an_array_that_nothing_uses_is_listed() -> None:
    def add_stranger(graph: onnx.GraphProto) -> None:
        graph.initializer.add().CopyFrom(graph.initializer[0])
        graph.initializer[-1].name = "stranger"

    with pytest.raises(ModelError, match="wanted every array used once, found 1 left over: stranger"):
        import_onnx(edit(write(fold=True), add_stranger), "odd")


def test_a_missing_head_is_named() -> None:
    def drop_a_head(graph: onnx.GraphProto) -> None:
        [head] = [one for one in graph.initializer if list(one.dims) == [20, 64, 1, 1]][-1:]
        [node] = [node for node in graph.node if head.name in node.input]
        node.op_type = "ConvTranspose"

    with pytest.raises(ModelError, match=r"landmarks_32: wanted a 1x1 convolution 64 to 20"):
        import_onnx(edit(write(), drop_a_head), "headless")


def test_swapped_parts_of_a_concatenation_are_noticed() -> None:
    def swap(graph: onnx.GraphProto) -> None:
        [first, *_] = [node for node in graph.node if node.op_type == "Concat"]
        first.input[1], first.input[2] = first.input[2], first.input[1]

    with pytest.raises(ModelError, match=r"boxes_8: wanted .* after the concatenation of ssh1\.conv3x3"):
        import_onnx(edit(write(), swap), "swapped")


def test_a_network_with_another_operation_inside_names_it() -> None:
    def replace(graph: onnx.GraphProto) -> None:
        [_, second, *_] = [node for node in graph.node if node.op_type == "LeakyRelu"]
        second.op_type = "Elu"

    with pytest.raises(ModelError, match=r"stage1\.1\.depthwise: wanted .* then leaky_relu"):
        import_onnx(edit(write(), replace), "elu")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x06", b"\x00" * 64])
def test_what_is_no_model_is_one_error(content: bytes) -> None:
    with pytest.raises(ModelError, match="junk"):
        import_onnx(content, "junk")


SAMPLE = write(fold=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, len(SAMPLE) - 1))
def test_a_model_cut_anywhere_is_one_error(length: int) -> None:
    with pytest.raises(ModelError):
        import_onnx(SAMPLE[:length], "cut")
