from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from convert_weights import default_onnx, default_weights, joined, random_onnx, random_weights
from numpy.typing import NDArray

from convert.layout import HEADS
from convert.network import build_network
from convert.weights import Weights, centre_input
from edge_retinaface.errors import ModelError

pytestmark = pytest.mark.convert
MEAN = np.array([104, 117, 123], np.float32)


def largest_differences(content: bytes, weights: Weights, picture: NDArray[np.float32]) -> dict[str, float]:
    """Keras against onnxruntime, per kind of output, on a mean-subtracted BGR picture (1, H, W, 3)."""
    session = onnxruntime.InferenceSession(content)
    [name] = [one.name for one in session.get_inputs()]
    boxes, scores, landmarks = session.run(None, {name: picture.transpose(0, 3, 1, 2)})
    found = joined(build_network(weights, picture.shape[1:3])(picture))
    probability = 1 / (1 + np.exp(-found["scores"]))
    wanted = {"boxes": boxes[0], "scores": scores[0, :, 1:], "landmarks": landmarks[0]}
    return {kind: float(np.abs(one - wanted[kind]).max()) for kind, one in {**found, "scores": probability}.items()}


@pytest.mark.parametrize("input_hw", [(240, 320), (480, 640), (640, 640), (512, 512)])
@pytest.mark.parametrize("kind", ["photograph", "noise"])
def test_the_default_network_says_what_its_onnx_says(kind: str, input_hw: tuple[int, int], astronaut: Path) -> None:
    if kind == "photograph":
        pixels = cv2.resize(cv2.imread(str(astronaut)), input_hw[::-1]).astype(np.float32)
    else:
        pixels = np.random.default_rng(0).uniform(0, 255, (*input_hw, 3)).astype(np.float32)
    differences = largest_differences(default_onnx(), default_weights(), (pixels - MEAN)[None])
    assert all(difference < 1e-4 for difference in differences.values()), differences


@pytest.mark.parametrize("input_hw", [(16, 16), (48, 80), (112, 144), (240, 320)])
def test_every_multiple_of_16_computes_what_onnx_computes_odd_levels_included(input_hw: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).normal(0, 60, (1, *input_hw, 3)).astype(np.float32)
    differences = largest_differences(random_onnx(), random_weights(), picture)
    assert all(difference < 1e-3 for difference in differences.values()), differences  # of values up to 300


@pytest.mark.parametrize("input_hw", [(250, 320), (0, 0), (480, 648), (8, 8)])
def test_another_size_is_refused_with_the_reason(input_hw: tuple[int, int]) -> None:
    height, width = input_hw
    with pytest.raises(ModelError, match=rf"multiples of 16 \(only the coarsest .*\), found {height}x{width}"):
        build_network(random_weights(), input_hw)


def test_outputs_are_named_by_kind_and_stride_and_240_rows_end_in_an_overhanging_eighth() -> None:
    outputs = build_network(random_weights(), (240, 320)).output
    assert tuple(outputs) == HEADS
    assert outputs["scores_8"].shape == (1, 30, 40, 2)
    assert outputs["landmarks_16"].shape == (1, 15, 20, 20)
    assert outputs["boxes_32"].shape == (1, 8, 10, 8)


def test_a_centred_input_says_the_same_away_from_the_edge() -> None:
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 320, 320, 3)).astype(np.float32)
    plain = build_network(default_weights(), (320, 320))(pixels - MEAN)
    centred = build_network(centre_input(default_weights(), 115), (320, 320))(pixels - 115)
    for name in ("scores_8", "boxes_8"):
        middle = np.s_[:, 18:22, 18:22]  # the pyramid sees far, and faintly
        np.testing.assert_allclose(np.asarray(plain[name])[middle], np.asarray(centred[name])[middle], atol=0.02)
