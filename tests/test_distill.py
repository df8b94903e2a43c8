"""The training loop, on the smallest networks: what matters is that it learns, stops, goes on and repeats."""

from pathlib import Path

import numpy as np
import pytest
from convert_weights import random_weights
from distill_cases import MEAN, PLAN, noise_scenes, tiny_network

from convert.distill.loop import Outcome, distill
from convert.distill.plan import Plan
from convert.distill.scenes import find_scenes, hold_back
from convert.weights import Layer
from edge_retinaface.data import F32
from edge_retinaface.errors import ImageError

pytestmark = pytest.mark.convert
SCENES = noise_scenes()


def train(plan: Plan, kept: Path | None = None) -> tuple[Outcome, list[F32]]:
    student = tiny_network(1)
    outcome = distill(tiny_network(0), student, SCENES, MEAN, plan, kept)
    return outcome, student.get_weights()


def equal(some: list[F32], others: list[F32]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_a_student_comes_closer_to_its_teacher_on_pictures_it_never_saw() -> None:
    outcome, _ = train(PLAN._replace(steps=200, check_every=50, rate=0.03))
    assert outcome.after < 0.5 * outcome.before
    assert outcome.steps > 0


def test_training_that_was_interrupted_goes_on_to_the_very_weights_it_would_have_had(tmp_path: Path) -> None:
    kept = tmp_path / "kept.npz"
    stopped, _ = train(PLAN._replace(patience=0), kept)  # stops at its first check
    assert stopped.steps <= 4
    _, whole = train(PLAN)
    outcome, continued = train(PLAN, kept)
    assert outcome.steps in (4, 8)
    assert equal(continued, whole)


@pytest.mark.parametrize("left", ["another seed's", "a damaged one"])
def test_a_checkpoint_that_is_not_this_trainings_is_not_gone_on_from(left: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.npz"
    if left == "a damaged one":
        kept.write_bytes(b"PK\x03\x04 and no more")
    else:
        train(PLAN._replace(seed=1), kept)
    _, fresh = train(PLAN)
    _, anew = train(PLAN, kept)
    assert equal(anew, fresh)


def test_a_training_that_makes_things_worse_gives_back_what_it_began_with_and_stops() -> None:
    outcome, weights = train(PLAN._replace(rate=3.0, steps=400, patience=2))
    assert outcome == Outcome(0, outcome.before, outcome.before)
    assert equal(weights, tiny_network(1).get_weights())


def test_pictures_to_judge_by_are_not_learned_from_and_both_shares_have_faces() -> None:
    blank = SCENES[0]._replace(boxes=np.empty((0, 4), np.float32))
    learned, judged = hold_back((blank, *SCENES, blank), 0.1, seed=3)
    assert len(learned) + len(judged) == 8
    assert not {id(one) for one in learned} & {id(one) for one in judged}
    assert any(len(one.boxes) for one in learned)
    assert any(len(one.boxes) for one in judged)


def test_a_single_picture_is_learned_from_and_judged_by() -> None:
    assert hold_back(SCENES[:1], 0.1, seed=0) == (SCENES[:1], SCENES[:1])


def test_pictures_without_a_face_are_refused() -> None:
    silent = random_weights().with_layers(
        {
            name: Layer(np.zeros_like(layer.kernel), np.full_like(layer.bias, -9))
            for name, layer in random_weights().layers.items()
            if name.startswith("scores")
        }
    )
    with pytest.raises(ImageError, match="wanted pictures with faces, found none in 2 pictures"):
        find_scenes(silent, [np.zeros((48, 64, 3), np.uint8)] * 2)
