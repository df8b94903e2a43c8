"""The training loop: one for every student, compressed or quantized."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.backend import keras, tf
from convert.distill import checkpoint
from convert.distill.loss import Parts, loss_parts
from convert.distill.optimizer import RelativeSteps, rate_at
from convert.distill.plan import Plan
from convert.distill.scenes import Scene, hold_back
from convert.distill.views import draw_blend, draw_view
from convert.progress import watch
from edge_retinaface.data import F32, U8

HINTS = (
    *(f"fpn.{name}.activation" for name in ("output3", "merge2", "merge1")),
    *(f"ssh{level}.conv3x3.concat" for level in (1, 2, 3)),
)  # layers whose outputs are compared where both networks have them alike
JUDGED_VIEWS = 64
AVERAGE = 0.998  # weights are averaged over about 1 / (1 - this) steps; the average is what is judged and kept


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training did."""

    steps: int  # until the best moment
    before: float  # loss on the held back pictures
    after: float


def distill(
    teacher: keras.Model,
    student: keras.Model,
    scenes: tuple[Scene, ...],
    mean: Sequence[float],
    plan: Plan = Plan(),  # noqa: B008 # immutable
    kept: Path | None = None,
) -> Outcome:
    """Train `student`, in place, to say what `teacher` says; it ends with its best average weights.

    Both take float32 (plan.batch, *plan.view_hw, 3), pixel - mean, BGR, and give the nine heads by name. `kept` is a
    file from which the same training goes on after an interruption.
    """
    learned, judged = hold_back(scenes, plan.held_back, plan.seed)
    training = _Training(teacher, student, mean, plan)
    views = _judged_views(judged, training, plan)
    identity = _identity(teacher, student, scenes, mean, plan)
    state = kept and checkpoint.load(kept, identity)
    if state:
        training.restore(state)
    else:
        training.judge(views)
    remaining = range(training.step, plan.steps)
    batches = _ahead(learned, training, plan, remaining)
    for batch in watch(batches, "distilling", len(remaining)):
        training.learn(batch)
        if training.step % plan.check_every == 0 or training.step == plan.steps:
            training.judge(views)
            if kept:
                checkpoint.save(kept, identity, training.state())
            if training.checks_since_best >= plan.patience:
                break
    return training.finish()


class _Training:
    """A student on its way."""

    def __init__(self, teacher: keras.Model, student: keras.Model, mean: Sequence[float], plan: Plan) -> None:
        hints = [name for name in HINTS if _shape(teacher, name) == _shape(student, name) != ()]
        self.plan, self.step, self.grey = plan, 0, round(sum(mean) / 3)
        self.losses: list[tuple[int, float]] = []  # (step, loss on the held back views)
        self._variables = [one.value for one in student.trainable_variables]
        self._averages = [tf.Variable(one) for one in self._variables]
        self._best = [np.asarray(one) for one in self._variables]
        self._optimizer = RelativeSteps(self._variables, plan.stretch)
        teach, learn = (_with_hints(one, hints) for one in (teacher, student))
        subtract = tf.constant(mean, tf.float32)

        def compare(batch: tf.Tensor, *, training: bool) -> Parts:
            x = tf.cast(batch, tf.float32) - subtract
            return loss_parts(teach(x, training=False), learn(x, training=training), hints, plan.scores)

        def step(batch: tf.Tensor, rate: tf.Tensor, number: tf.Tensor) -> None:
            with tf.GradientTape() as tape:
                loss = tf.add_n(list(compare(batch, training=True)))
            self._optimizer.apply(tape.gradient(loss, self._variables), rate, number)
            keep = tf.minimum(AVERAGE, number / (number + 9))  # early on what came first counts less
            for average, variable in zip(self._averages, self._variables, strict=True):
                average.assign_sub((1 - keep) * (average - variable))

        self._step = tf.function(step)
        self._compare = tf.function(lambda batch: tf.stack(compare(batch, training=False)))

    def learn(self, batch: U8) -> None:
        """One step."""
        rate = rate_at(self.step, self.plan)
        self.step += 1
        self._step(tf.constant(batch), tf.constant(rate), tf.constant(float(self.step)))

    def judge(self, views: Sequence[U8]) -> None:
        """Measure the averaged weights on the held back views, and keep them if they are the best so far."""
        current = [np.asarray(one) for one in self._variables]
        _assign(self._variables, self._averages)
        self.parts = np.mean([np.asarray(self._compare(tf.constant(batch))) for batch in views], axis=0)
        loss = float(self.parts.sum())
        if not self.losses or loss < min(one for _, one in self.losses):
            self._best = [np.asarray(one) for one in self._averages]
        self.losses.append((self.step, loss if math.isfinite(loss) else math.inf))
        _assign(self._variables, current)

    @property
    def checks_since_best(self) -> int:
        """How many of the last checks found nothing better."""
        losses = [loss for _, loss in self.losses]
        return len(losses) - 1 - losses.index(min(losses))

    def state(self) -> checkpoint.Arrays:
        """Everything that changes, by name."""
        groups = self._groups()
        arrays = {f"{group}.{n}": np.asarray(one) for group, some in groups.items() for n, one in enumerate(some)}
        best = {f"best.{n}": one for n, one in enumerate(self._best)}
        return {**arrays, **best, "losses": np.array(self.losses), "step": np.array(self.step)}

    def restore(self, state: checkpoint.Arrays) -> None:
        """Go on where `state` was."""
        for group, some in self._groups().items():
            _assign(some, [state[f"{group}.{n}"] for n in range(len(some))])
        self._best = [state[f"best.{n}"] for n in range(len(self._best))]
        self.losses = [(int(step), float(loss)) for step, loss in state["losses"]]
        self.step = int(state["step"])

    def finish(self) -> Outcome:
        """Leave the best weights in the student."""
        _assign(self._variables, self._best)
        step, loss = min(self.losses, key=lambda one: one[1])
        return Outcome(step, self.losses[0][1], loss)

    def _groups(self) -> dict[str, Sequence[tf.Variable]]:
        return {"student": self._variables, "average": self._averages, "optimizer": self._optimizer.variables}


def _ahead(learned: tuple[Scene, ...], training: _Training, plan: Plan, steps: Iterable[int]) -> Iterator[U8]:
    """Batches, each drawn on another core while the one before is learned from; the step alone decides its views."""

    def draw(step: int) -> U8:
        settings = plan.view_hw, training.grey, np.random.default_rng([plan.seed, step]), plan.blended
        return np.stack([draw_blend(learned, *settings) for _ in range(plan.batch)])

    with ThreadPoolExecutor(1) as pool:
        following: Future[U8] | None = None
        for step in steps:
            ready, following = following, pool.submit(draw, step)
            if ready:
                yield ready.result()
        if following:
            yield following.result()


def _judged_views(judged: tuple[Scene, ...], training: _Training, plan: Plan) -> list[U8]:
    chance = np.random.default_rng([plan.seed])
    count = max(1, JUDGED_VIEWS // plan.batch)
    views = [draw_view(judged, plan.view_hw, training.grey, chance) for _ in range(count * plan.batch)]
    return [np.stack(views[n::count]) for n in range(count)]


def _with_hints(network: keras.Model, hints: Sequence[str]) -> keras.Model:
    if not hints:
        return network
    return keras.Model(network.input, {**network.output, **{name: network.get_layer(name).output for name in hints}})


def _shape(network: keras.Model, name: str) -> tuple[int | None, ...]:
    return next((tuple(layer.output.shape) for layer in network.layers if layer.name == name), ())


def _assign(variables: Sequence[tf.Variable], values: Sequence[F32]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _identity(
    teacher: keras.Model, student: keras.Model, scenes: tuple[Scene, ...], mean: Sequence[float], plan: Plan
) -> str:
    # when to stop changes nothing before
    digest = hashlib.sha256(repr((tuple(mean), plan._replace(patience=0))).encode())
    for network in (teacher, student):
        for variable in network.variables:
            digest.update(np.asarray(variable).tobytes())
    for scene in scenes:
        digest.update(scene.pixels.tobytes())
    return digest.hexdigest()
