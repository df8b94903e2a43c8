"""A metric for tests of compression."""

import numpy as np

from convert.compress.statistics import Metric
from convert.weights import F64

CHANCE = np.random.default_rng(7)


def metric(inputs: int, outputs: int) -> tuple[Metric, F64]:
    """A metric and the samples that its inputs have."""
    turn = CHANCE.normal(size=(inputs, inputs)) + 3 * np.eye(inputs)
    samples = CHANCE.normal(size=(4000, inputs)) @ turn + CHANCE.normal(size=inputs)
    gradients = CHANCE.normal(size=(4000, outputs)) @ CHANCE.normal(size=(outputs, outputs))
    return Metric(samples.mean(0), np.cov(samples.T), gradients.T @ gradients / 4000), samples
