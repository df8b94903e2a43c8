"""From weights and pictures to the weights of a smaller network."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from convert.backend import TRAINING_DEVICE, keras, tf
from convert.compress.apply import apply
from convert.compress.budget import Budget
from convert.compress.choose import Choices, choose
from convert.compress.curves import split_curve, width_curve
from convert.compress.folds import fold_errors
from convert.compress.macs import count_macs
from convert.compress.shape import Shape
from convert.compress.statistics import measure
from convert.compress.units import find_groups, find_units
from convert.distill.loop import distill
from convert.distill.plan import Plan
from convert.distill.scenes import Scene, find_scenes
from convert.distill.views import draw_view
from convert.network import build_network
from convert.weights import Layer, Weights
from edge_retinaface.data import U8
from edge_retinaface.model_file import Compression

MEASURED_VIEWS = 240  # that the metric is taken from
METRIC_SEED = 0  # of which parts they show: the pictures alone decide the shape


class Compressed(NamedTuple):
    """The smaller network, and what was done."""

    weights: Weights
    compression: Compression
    loss_before: float  # of the training, on pictures kept back; 0 without training
    loss_after: float


def compress(
    weights: Weights, pictures: Iterable[U8], budget: Budget, plan: Plan, kept: Path | None = None
) -> Compressed:
    """Weights of a network in the budget at the reference size, trained by `plan` (not at all for 0 steps).

    `pictures` are uint8 BGR of any size, and `kept` a file from which an interrupted training goes on. ImageError if
    no picture has a face, UsageError if the budget is out of reach.
    """
    scenes = find_scenes(weights, pictures)
    shape, small = smaller(weights, scenes, budget, plan)
    outcome = None
    if plan.steps:
        keras.backend.clear_session()
        with tf.device(TRAINING_DEVICE):
            teacher, student = (build_network(one, plan.view_hw, batch=plan.batch) for one in (weights, small))
            outcome = distill(teacher, student, scenes, weights.family.mean, plan, kept)
        small = small.with_layers({name: Layer(*student.get_layer(name).get_weights()) for name in small.convs})
    compression = Compression(
        macs_before=count_macs(weights.convs),
        macs_after=count_macs(small.convs),
        ranks={name: number for name, (how, number) in shape.splits.items() if how == "rank"},
        depthwise={name: number for name, (how, number) in shape.splits.items() if how == "depthwise"},
        widths={name: len(rows) for name, rows in shape.kept.items()},
        folded=tuple(name for name in weights.convs if name in shape.folded),
        pictures=len(scenes),
        digest=_digest(scenes),
        steps=outcome.steps if outcome else 0,
        seed=plan.seed,
    )
    source = msgspec.structs.replace(weights.source, compression=compression)
    losses = (outcome.before, outcome.after) if outcome else (0.0, 0.0)
    return Compressed(replace(small, source=source), compression, *losses)


def smaller(weights: Weights, scenes: tuple[Scene, ...], budget: Budget, plan: Plan) -> tuple[Shape, Weights]:
    """The shape for a budget, and its weights in closed form."""
    units = find_units(weights.convs)
    groups = {group.producer: group for group in find_groups(weights.convs, units)}
    chance, grey = np.random.default_rng(METRIC_SEED), round(sum(weights.family.mean) / 3)
    batches = [
        np.stack([draw_view(scenes, plan.view_hw, grey, chance) for _ in range(plan.batch)])
        for _ in range(-(-MEASURED_VIEWS // plan.batch))
    ]
    network = build_network(weights, plan.view_hw, batch=plan.batch)
    metrics = measure(network, units, batches, weights.family.mean)
    # what multiplications cost knows nothing of activations
    folds = fold_errors(network, weights, batches) if budget.unit != "macs" else {}
    splits = {name: split_curve(unit, weights.convs, weights.layers, metrics[name]) for name, unit in units.items()}
    widths = {name: width_curve(group, units, weights.convs, weights.layers, metrics) for name, group in groups.items()}
    choices = Choices(weights.convs, weights.family.structure, units, groups, splits, widths, folds)
    shape = choose(choices, budget)
    return shape, apply(weights, choices, metrics, shape)


def _digest(scenes: tuple[Scene, ...]) -> str:
    digest = hashlib.sha256()
    for scene in scenes:
        digest.update(scene.pixels.tobytes())
    return digest.hexdigest()
