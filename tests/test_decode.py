import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.anchors import make_anchors
from edge_retinaface.data import Letterbox, LevelOutputs, QuantizedTensor, RawOutputs
from edge_retinaface.decode import Candidates, Decoder
from edge_retinaface.spec import ModelSpec

SPEC = ModelSpec((32, 32))
ANCHORS = make_anchors(SPEC)
AS_IT_IS = Letterbox((1.0, 1.0), (32, 32))


def outputs_of(boxes: float = 0.0, scores: float = -9.0, landmarks: float = 0.0) -> RawOutputs:
    """Float outputs that say the same of every anchor."""
    return tuple(
        LevelOutputs(
            QuantizedTensor(np.full((len(level), 4), boxes, np.float32), 1.0, 0),
            QuantizedTensor(np.full((len(level), 1), scores, np.float32), 1.0, 0),
            QuantizedTensor(np.full((len(level), 10), landmarks, np.float32), 1.0, 0),
        )
        for level in ANCHORS
    )


def run(outputs: RawOutputs, min_score: float, letterbox: Letterbox = AS_IT_IS) -> Candidates:
    return Decoder(SPEC, "logit_difference", ANCHORS)(outputs, min_score, letterbox)


def test_no_anchor_over_the_threshold_gives_empty_arrays_of_the_right_shapes() -> None:
    candidates = run(outputs_of(), 0.5)
    assert [part.shape for part in candidates] == [(0, 4), (0,), (0, 5, 2)]


def test_zero_offsets_give_the_anchor_itself() -> None:
    outputs = outputs_of()
    outputs[0].scores.values[0] = 3.0
    candidates = run(outputs, 0.5)
    assert candidates.boxes.tolist() == [[-4, -4, 12, 12]]
    assert candidates.landmarks[0].tolist() == [[4, 4]] * 5
    assert math.isclose(candidates.scores[0], 1 / (1 + math.exp(-3)), rel_tol=1e-6)


def test_offsets_are_in_tenths_of_the_anchor_and_fifths_of_a_log() -> None:
    outputs = outputs_of()
    outputs[0].scores.values[0] = 3.0
    outputs[0].boxes.values[0] = [10, 5, 5 * math.log(2), 0]  # 16 right, 8 down, twice as wide
    outputs[0].landmarks.values[0, :2] = [-2.5, 5]
    candidates = run(outputs, 0.5)
    np.testing.assert_allclose(candidates.boxes, [[4, 4, 36, 20]], rtol=1e-6)
    assert candidates.landmarks[0, 0].tolist() == [0, 12]


def test_frame_pixels_are_tensor_pixels_divided_by_the_scale() -> None:
    outputs = outputs_of()
    outputs[0].scores.values[0] = 3.0
    candidates = run(outputs, 0.5, Letterbox((0.5, 0.25), (128, 64)))
    assert candidates.boxes.tolist() == [[-8, -16, 24, 48]]
    assert candidates.landmarks[0, 0].tolist() == [8, 16]


def test_a_threshold_of_zero_takes_every_anchor_and_one_takes_none() -> None:
    everything = sum(len(level) for level in ANCHORS)
    assert len(run(outputs_of(), 0.0).scores) == everything
    assert len(run(outputs_of(scores=80), 1.0).scores) == 0


@given(
    st.floats(0.001, 0.999),
    st.floats(0.01, 0.5),
    st.integers(-128, 127),
    st.integers(0, 2**32 - 1),
)
def test_the_integer_threshold_keeps_exactly_what_the_score_threshold_keeps(
    min_score: float, scale: float, zero_point: int, seed: int
) -> None:
    values = np.random.default_rng(seed).integers(-128, 128, (len(ANCHORS[0]), 1)).astype(np.int8)
    outputs = outputs_of()
    outputs = (outputs[0]._replace(scores=QuantizedTensor(values, scale, zero_point)), *outputs[1:])
    real = scale * (values.reshape(-1).astype(np.float64) - zero_point)
    limit = math.log(min_score / (1 - min_score))
    certain = np.abs(real - limit) > 1e-9 * (1 + abs(limit))  # a tie may fall to either side
    candidates = run(outputs, min_score)
    assert (real[certain] >= limit).sum() <= len(candidates.scores) <= (real >= limit).sum() + (~certain).sum()


def test_int8_boxes_are_dequantized_with_their_own_scale() -> None:
    outputs = outputs_of()
    outputs[0].scores.values[0] = 3.0
    boxes = np.full((len(ANCHORS[0]), 4), -7, np.int8)
    boxes[0] = [93, -7, -7, -7]
    outputs = (outputs[0]._replace(boxes=QuantizedTensor(boxes, 0.1, -7)), *outputs[1:])
    np.testing.assert_allclose(run(outputs, 0.5).boxes, [[12, -4, 28, 12]], rtol=1e-6)
