import numpy as np
import pytest

from convert.backend import tf
from convert.distill.loss import Parts, loss_parts
from convert.distill.optimizer import RelativeSteps, channel_sizes, rate_at
from convert.distill.plan import Plan
from convert.distill.scenes import Scene
from convert.distill.views import draw_blend, draw_view
from convert.layout import STRIDES, VALUES, head_name
from edge_retinaface.data import F32

pytestmark = pytest.mark.convert
Heads = dict[str, F32]


def heads(logit: float) -> Heads:
    """What a network of a 32x32 input might say: every anchor's score is the same, boxes and landmarks are 0."""
    shape = {stride: (1, 32 // stride, 32 // stride) for stride in STRIDES}
    return {
        head_name(kind, stride): np.full(
            (*shape[stride], 2 * values), logit if kind == "scores" else 0.0, dtype=np.float32
        )
        for kind, values in VALUES.items()
        for stride in STRIDES
    }


def parts(meant: Heads, said: Heads) -> Parts:
    return Parts(*(float(one) for one in loss_parts(meant, said, ())))


def moved(kind: str, logit: float) -> Heads:
    return {name: value + 1.0 if name.startswith(kind) else value for name, value in heads(logit).items()}


def test_a_student_that_says_the_same_loses_nothing() -> None:
    assert sum(parts(heads(1.5), heads(1.5))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ["boxes", "landmarks"])
def test_places_count_where_the_teacher_sees_a_face(kind: str) -> None:
    sure, unsure, blank = (getattr(parts(heads(logit), moved(kind, logit)), kind) for logit in (6.0, -2.0, -12.0))
    assert sure > unsure > 100 * blank


def test_scores_of_two_hundredths_still_count_and_what_is_surely_nothing_does_not() -> None:
    low = parts(heads(-4.0), moved("scores", -4.0)).logits
    nothing = parts(heads(-14.0), moved("scores", -14.0)).logits
    assert low > 0.1
    assert nothing == 0


def test_a_face_that_the_student_makes_up_counts() -> None:
    assert parts(heads(-8.0), heads(2.0)).scores > 10


def test_scores_can_count_more_than_places_do() -> None:
    meant, said = (
        heads(-1.0),
        {**moved("scores", -1.0), **{k: v for k, v in moved("boxes", -1.0).items() if k[0] == "b"}},
    )
    once, thrice = parts(meant, said), Parts(*(float(one) for one in loss_parts(meant, said, (), 3.0)))
    assert thrice.scores == pytest.approx(3 * once.scores)
    assert thrice.logits == pytest.approx(3 * once.logits)
    assert thrice.boxes == pytest.approx(once.boxes)
    assert once.boxes > 0


def test_a_depthwise_kernel_moves_by_the_rate_times_its_size_at_the_first_step() -> None:
    kernel = np.ones((3, 3, 2, 1), np.float32) * np.array([[1.0], [3.0]], np.float32)
    variable = tf.Variable(kernel)
    RelativeSteps([variable], 0.4).apply([1e-3 * tf.ones_like(variable)], tf.constant(0.01), tf.constant(1.0))
    np.testing.assert_allclose(kernel - variable.numpy(), kernel * 0.01, rtol=1e-3)


def test_a_kernel_moves_as_far_along_weak_directions_as_along_strong_ones() -> None:
    chance = np.random.default_rng(0)
    sizes = np.array([1.0, 2.0, 5.0, 9.0], np.float32)
    start = chance.choice([-1.0, 1.0], (3, 3, 8, 4)).astype(np.float32) * sizes
    strong, weak = (np.outer(chance.normal(size=72), chance.normal(size=4)) for _ in range(2))
    gradient = (strong + 0.03 * weak).reshape(start.shape).astype(np.float32) / sizes
    variable = tf.Variable(start)
    RelativeSteps([variable], 0.4).apply([tf.constant(gradient)], tf.constant(0.01), tf.constant(1.0))
    change = ((start - variable.numpy()) / sizes / 0.01).reshape(72, 4)
    values = np.linalg.svd(change, compute_uv=False)
    assert values[1] > 0.5 * values[0]
    assert values[2] < 1e-3 * values[0]
    assert np.sum(change * gradient.reshape(72, 4)) > 0  # and downhill


def test_a_channel_of_zeros_and_a_bias_of_zeros_still_move() -> None:
    kernel = np.ones((1, 1, 4, 2), np.float32) * np.array([0.0, 1.0], np.float32)
    assert channel_sizes(kernel).ravel() == pytest.approx([0.1 * 0.5**0.5, 1.0])
    assert channel_sizes(np.zeros(5, np.float32)) == pytest.approx(0.1)


def test_depthwise_kernels_have_a_size_for_each_of_their_channels() -> None:
    kernel = np.ones((3, 3, 2, 1), np.float32) * np.array([[1.0], [2.0]], np.float32)
    assert channel_sizes(kernel).ravel() == pytest.approx([1.0, 2.0])


def test_the_rate_rises_for_a_fiftieth_of_the_steps_and_falls_to_nothing() -> None:
    plan = Plan(steps=1000, rate=0.01)
    rates = [rate_at(step, plan) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01 / 20)
    assert max(rates) == rates[19] == pytest.approx(0.01)
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[-1] < 1e-7


def test_views_show_the_face_and_repeat_for_the_same_chance() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[90:110, 140:160] = 200
    scene = Scene(pixels, np.array([[140, 90, 160, 110]], np.float32))

    def views() -> list[F32]:
        chance = np.random.default_rng(5)
        return [draw_view((scene,), (96, 128), 0, chance).astype(np.float32) for _ in range(60)]

    lit = [int((view.mean(axis=2) > 60).sum()) for view in views()]
    assert sum(count > 0 for count in lit) > 45  # fifteen in a hundred are cut anywhere
    assert max(lit) > 3 * min(count for count in lit if count > 100)  # near ones and far ones
    assert all(np.array_equal(one, other) for one, other in zip(views(), views(), strict=True))


def test_a_view_is_all_picture_where_the_picture_is_large_enough_and_grey_around_a_small_one() -> None:
    chance = np.random.default_rng(0)
    boxes = np.array([[2, 2, 30, 30]], np.float32)
    large, small = (Scene(np.full((*hw, 3), 250, np.uint8), boxes) for hw in ((900, 900), (40, 1200)))

    def grey(scene: Scene) -> list[float]:
        views = (draw_view((scene,), (96, 96), 0, chance) for _ in range(40))
        return [float((view.mean(axis=2) < 60).mean()) for view in views]

    assert np.mean(grey(large)) < 0.05  # a corner of a turned one
    assert np.median(grey(small)) > 0.5


def test_a_share_of_the_views_shows_two_at_once_and_none_of_them_where_there_is_no_share() -> None:
    dark, bright = (Scene(np.full((64, 64, 3), grey, np.uint8), np.empty((0, 4), np.float32)) for grey in (0, 200))
    chance = np.random.default_rng(0)
    greys = {int(np.median(draw_blend((dark, bright), (32, 32), 0, chance, 1.0))) for _ in range(40)}
    assert any(30 < grey < 170 for grey in greys)
    one, same = (np.random.default_rng(1) for _ in range(2))
    for _ in range(5):
        np.testing.assert_array_equal(
            draw_blend((dark, bright), (32, 32), 0, one, 0), draw_view((dark, bright), (32, 32), 0, same)
        )
