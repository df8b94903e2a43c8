"""Networks whose convolutions are not the standard table's."""

from pathlib import Path

import numpy as np
import pytest
from convert_weights import joined, quantize_to, random_weights

from convert.calibrate import Pictures, measure_ranges
from convert.equalize import equalize
from convert.layout import CONVS, Conv
from convert.network import Target, build_network
from convert.quantize import make_spec
from convert.tflite import Mode
from convert.verify import passes, verify
from convert.weights import Layer, Weights, make_weights
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import read_model

pytestmark = pytest.mark.convert
INPUT_HW = (64, 96)
SCENES = np.random.default_rng(0).integers(0, 256, (4, 60, 80, 3), np.uint8)


def in_two(weights: Weights) -> Weights:
    """The same network with the merge at stride 8 as a 3x3 convolution to 64 channels and a 1x1 after it."""
    whole, (kernel, bias) = CONVS["fpn.merge1"], weights.layers["fpn.merge1"]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 64)))[0]
    first = whole._replace(name="fpn.merge1.basis", place="linear")
    second = Conv("fpn.merge1", "fpn.merge1.basis", 1, 1, 64, 64, "neck")
    convs = {}
    for name, conv in CONVS.items():
        convs |= {first.name: first, second.name: second} if name == "fpn.merge1" else {name: conv}
    halves = {first.name: Layer(kernel @ turn, np.zeros(64)), second.name: Layer(turn.T[None, None], bias)}
    return make_weights({**weights.layers, **halves}, weights.family, weights.source, convs)


def test_weights_that_importers_read_carry_the_standard_table() -> None:
    assert random_weights().convs is CONVS


def test_a_convolution_in_two_halves_computes_what_the_whole_did_before_and_after_equalization() -> None:
    whole, halves = random_weights(), in_two(random_weights())
    pictures = Pictures.letterboxed(SCENES, make_spec(whole, INPUT_HW))
    picture = next(pictures.inputs("test"))
    network = build_network(halves, INPUT_HW)
    ranges = measure_ranges(network, pictures)
    assert set(ranges) == set(halves.convs)
    equal = equalize(halves, ranges)
    assert not np.allclose(equal.layers["fpn.merge1.basis"].kernel, halves.layers["fpn.merge1.basis"].kernel, rtol=0.1)
    wanted = joined(build_network(whole, INPUT_HW)(picture))
    for one in (network, build_network(equal, INPUT_HW)):
        for kind, found in joined(one(picture)).items():
            assert np.abs(found - wanted[kind]).max() < 1e-5 * np.abs(wanted[kind]).max()


@pytest.mark.parametrize(("mode", "target"), [("int8", "cpu"), ("mixed", "cpu"), ("int8", "edgetpu")])
def test_such_a_network_becomes_a_model_file_like_any_other(mode: Mode, target: Target, tmp_path: Path) -> None:
    weights = in_two(random_weights())
    spec = make_spec(weights, INPUT_HW)
    pictures = Pictures.letterboxed(SCENES, spec)
    path = tmp_path / "model.tflite"
    quantize_to(path, weights, spec, mode, pictures, target)
    assert RetinaFace(path).input_hw == INPUT_HW
    assert passes(verify(read_model(path), weights, SCENES))


def test_weights_that_do_not_fit_their_table_are_refused() -> None:
    weights = random_weights()
    table = {**CONVS, "fpn.merge1": CONVS["fpn.merge1"]._replace(outputs=48)}
    with pytest.raises(ModelError, match=r"fpn.merge1: wanted a kernel \(3, 3, 64, 48\), found \(3, 3, 64, 64\)"):
        make_weights(weights.layers, weights.family, weights.source, table)
