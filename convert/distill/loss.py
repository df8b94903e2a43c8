"""How far a student is from its teacher, where it matters: at anchors that see a face, or might."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convert.backend import tf
from convert.layout import STRIDES, VALUES, Kind, head_name
from convert.observe import LEAST_LOGIT

SHIFT_SCORES = 4.0  # an anchor's logits count by sigmoid(larger logit + this): down to scores of .02 at half
SHIFT_PLACES = 1.0  # its box and landmarks count by sigmoid(teacher's logit + this)
KNEE = 0.2  # errors of boxes and landmarks count squared up to it and in proportion beyond, in units of the heads
FEATURE_FLOOR = 0.03  # what features count far from faces


class Parts(NamedTuple):
    """The parts of the loss, already weighted; their sum is what is minimised."""

    scores: tf.Tensor  # cross-entropy above the teacher's own
    logits: tf.Tensor
    boxes: tf.Tensor
    landmarks: tf.Tensor
    features: tf.Tensor


def loss_parts(
    meant: Mapping[str, tf.Tensor], said: Mapping[str, tf.Tensor], hints: Sequence[str], scores: float = 1.0
) -> Parts:
    """Teacher's outputs against the student's; `hints` name the feature maps among them that are compared as well.

    `scores` is how many times as much as usual they count.
    """
    t, s = _rows(meant, "scores")[..., 0], _rows(said, "scores")[..., 0]
    # before the limit: the many anchors below it add up
    faces, place = tf.reduce_sum(tf.sigmoid(t)) + 1.0, tf.sigmoid(t + SHIFT_PLACES)
    # below it logits need not agree: int8 has none there; but where the teacher sees more, the student is to see it
    s = tf.where(t > LEAST_LOGIT, s, tf.maximum(s, LEAST_LOGIT))
    t = tf.maximum(t, LEAST_LOGIT)
    face = tf.sigmoid(t)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(face, s) - tf.nn.sigmoid_cross_entropy_with_logits(face, t)
    look = tf.sigmoid(tf.maximum(t, tf.stop_gradient(s)) + SHIFT_SCORES)
    apart = tf.square(t - s)
    places = tf.reduce_sum(place) + 1.0
    boxes, landmarks = (
        tf.reduce_sum(place * tf.reduce_mean(_bent(_rows(meant, kind) - _rows(said, kind)), axis=-1)) / places
        for kind in ("boxes", "landmarks")
    )
    return Parts(
        scores=2.0 * scores * tf.reduce_sum(entropy) / faces,
        logits=0.6 * scores * tf.reduce_sum(look * apart) / (tf.reduce_sum(look) + 1.0),
        boxes=3.0 * boxes,
        landmarks=2.0 * landmarks,
        features=tf.add_n([tf.constant(0.0), *(_features(meant[one], said[one], meant) for one in hints)]),
    )


def _rows(outputs: Mapping[str, tf.Tensor], kind: Kind) -> tf.Tensor:
    """(all anchors of the batch and all levels, values)."""
    return tf.concat([tf.reshape(outputs[head_name(kind, stride)], (-1, VALUES[kind])) for stride in STRIDES], axis=0)


def _bent(error: tf.Tensor) -> tf.Tensor:
    size = tf.abs(error)
    return tf.where(size < KNEE, tf.square(error) / (2 * KNEE), size - KNEE / 2)


def _features(meant: tf.Tensor, said: tf.Tensor, outputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Squared error of one feature map against its size, mostly where that level's anchors see a face."""
    level = next(s for s in STRIDES if outputs[head_name("scores", s)].shape[1:3] == meant.shape[1:3])
    logits = tf.reduce_max(outputs[head_name("scores", level)], axis=-1, keepdims=True)
    weight = tf.sigmoid(logits + SHIFT_SCORES) + FEATURE_FLOOR
    return 0.3 * tf.reduce_sum(weight * tf.square(meant - said)) / (tf.reduce_sum(weight * tf.square(meant)) + 1e-6)
