import numpy as np
import pytest
from convert_weights import joined, random_weights

from convert.calibrate import Pictures, measure_ranges
from convert.equalize import Range, equalize
from convert.families import KERAS, PYTORCH, Family
from convert.layout import CONVS
from convert.network import build_network
from convert.weights import Layer, Weights
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert
INPUT_HW = (64, 96)
SPEC = ModelSpec(INPUT_HW)


def unequal(weights: Weights) -> Weights:
    """The same network with outputs of some channels a hundred times others, put right in the next layer."""
    kernel, bias = weights.layers["stage2.1.pointwise"]
    scale = np.logspace(-1, 1, len(bias)).astype(np.float32)
    nxt = weights.layers["stage2.2.depthwise"]
    return weights.with_layers(
        {
            "stage2.1.pointwise": Layer(kernel * scale, bias * scale),
            "stage2.2.depthwise": Layer(nxt.kernel / scale[:, None], nxt.bias),
        }
    )


def pictures() -> Pictures:
    return Pictures.letterboxed(np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), np.uint8), SPEC)


@pytest.mark.parametrize("family", [PYTORCH, KERAS])
def test_the_equalized_network_says_the_same_in_float(family: Family) -> None:
    weights = random_weights(family)
    ranges = measure_ranges(build_network(weights, INPUT_HW), pictures())
    picture = next(pictures().inputs("test"))
    before = joined(build_network(weights, INPUT_HW)(picture))
    after = joined(build_network(equalize(weights, ranges), INPUT_HW)(picture))
    for kind, wanted in before.items():
        assert np.abs(after[kind] - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_channels_get_like_ranges() -> None:
    weights = unequal(random_weights())
    network = build_network(weights, INPUT_HW)
    before = measure_ranges(network, pictures())["stage2.1.pointwise"]
    equal = equalize(weights, measure_ranges(network, pictures()))
    after = measure_ranges(build_network(equal, INPUT_HW), pictures())["stage2.1.pointwise"]

    def spread(channels: Range) -> float:
        reach = np.maximum(channels.high, -0.5 * channels.low)
        return float(reach.max() / reach.min())

    assert spread(before) > 50
    assert spread(after) < 1.01  # a depthwise convolution follows: activations alone decide


def test_a_channel_that_never_fires_does_not_take_all_the_range() -> None:
    weights = random_weights()
    ranges = {name: Range(np.full(conv.outputs, -1.0), np.ones(conv.outputs)) for name, conv in CONVS.items()}
    ranges["stage1.0"] = Range(np.zeros(8), np.array([0.0, 1, 1, 1, 1, 1, 1, 1]))
    equal = equalize(weights, ranges)
    scale = np.abs(weights.layers["stage1.0"].kernel / equal.layers["stage1.0"].kernel).max(axis=(0, 1, 2))
    assert scale[1] / scale[0] == pytest.approx(1000, rel=1e-3)


def test_relu6_layers_stay_as_they_are() -> None:
    weights = random_weights(KERAS)
    ranges = {
        name: Range(-np.arange(conv.outputs) - 1.0, np.arange(conv.outputs) + 1.0) for name, conv in CONVS.items()
    }
    equal = equalize(weights, ranges)
    for name, conv in CONVS.items():
        changed = not np.array_equal(equal.layers[name].bias, weights.layers[name].bias)
        assert changed == (conv.place in ("neck", "joined"))
