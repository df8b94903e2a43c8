from math import prod

import numpy as np

from convert.layout import CONVS, HEADS, PICTURE, Add, Concat
from convert.names import BIUBUG6, YAKHYO, keras_naming


def test_the_network_has_27_backbone_5_pyramid_15_context_and_9_head_convolutions() -> None:
    places = [conv.place for conv in CONVS.values()]
    assert len(CONVS) == 27 + 5 + 15 + 9
    assert places.count("backbone") == 27
    assert places.count("head") == 9


def test_parameters_are_those_of_the_published_network_less_half_of_the_score_heads() -> None:
    parameters = sum(prod(conv.kernel_shape) + conv.outputs for conv in CONVS.values())
    assert parameters == 423_264 - 3 * 2 * (64 + 1)


def test_every_source_comes_before_its_use_and_has_the_channels_it_is_read_with() -> None:
    channels = {PICTURE: 3}
    for conv in CONVS.values():
        match conv.source:
            case Add(fine, coarse):
                assert channels[fine] == channels[coarse] == conv.inputs
            case Concat(parts):
                assert sum(channels[part] for part in parts) == conv.inputs
            case name:
                assert channels[name] == conv.inputs
        channels[conv.name] = conv.outputs


def test_strides_along_the_backbone_multiply_to_8_16_and_32_at_the_pyramid() -> None:
    stride = {PICTURE: 1}
    for conv in CONVS.values():
        if isinstance(conv.source, str) and conv.source in stride:
            stride[conv.name] = stride[conv.source] * conv.stride
    assert [stride[f"fpn.output{level}"] for level in (1, 2, 3)] == [8, 16, 32]


def test_outputs_are_ordered_by_level_then_kind() -> None:
    assert HEADS[:4] == ("boxes_8", "scores_8", "landmarks_8", "boxes_16")


def test_every_naming_names_every_convolution_once() -> None:
    for naming in (BIUBUG6, YAKHYO, keras_naming([])):
        assert set(naming) == set(CONVS)
    for naming in (BIUBUG6, YAKHYO):
        assert len({place.conv for place in naming.values()}) == len(CONVS)


def test_pytorch_names_are_those_of_the_published_files() -> None:
    assert BIUBUG6["stage2.3.pointwise"].conv == "body.stage2.3.3"
    assert BIUBUG6["stage2.3.pointwise"].norm == "body.stage2.3.4"
    assert BIUBUG6["ssh2.conv7x7_3"].conv == "ssh2.conv7x7_3.0"
    assert BIUBUG6["landmarks_32"].conv == "LandmarkHead.2.conv1x1"
    assert YAKHYO["stage1.1.depthwise"].conv == "fx.stage1.1.0.0"


def test_keras_layers_are_taken_in_order_of_their_numbers_wherever_they_begin() -> None:
    layers = [f"conv2d_{number}" for number in np.random.default_rng(0).permutation(np.arange(7, 31))]
    naming = keras_naming(layers)
    assert naming["ssh1.conv3x3"].conv == "conv2d_7"
    assert naming["boxes_8"].conv == "conv2d_22"
    assert naming["landmarks_32"].conv == "conv2d_30"
