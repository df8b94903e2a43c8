"""Depthwise kernels and a pointwise convolution instead of a dense one."""

import numpy as np
import pytest
from compress_cases import metric
from convert_weights import random_weights

from convert.compress.apply import apply
from convert.compress.choose import Choices
from convert.compress.separable import separate, spread
from convert.compress.shape import Shape, Split
from convert.compress.statistics import Metric
from convert.compress.units import find_units
from convert.layout import CONVS
from convert.network import build_network

pytestmark = pytest.mark.convert
CHANCE = np.random.default_rng(0)


def test_kernels_that_differ_in_size_only_are_one_depthwise_kernel_for_each_input() -> None:
    measure, _ = metric(18, 5)
    matrix = CHANCE.normal(size=(5, 2)) @ spread(CHANCE.normal(size=(1, 9, 2)))
    parts = separate(matrix, measure, 3, 1)
    assert parts.error < 1e-6
    np.testing.assert_allclose(parts.pointwise @ spread(parts.depthwise), matrix, atol=1e-4)


def test_each_more_kernel_for_an_input_loses_less_and_what_the_error_says() -> None:
    measure, samples = metric(27, 6)
    matrix = CHANCE.normal(size=(6, 27))
    whole, errors = np.trace(measure.outputs @ matrix @ measure.inputs @ matrix.T), []
    for number in (1, 2, 3, 6):
        parts = separate(matrix, measure, 3, number)
        middle = (samples - measure.mean) @ spread(parts.depthwise).T
        np.testing.assert_allclose(middle.var(0), 1, rtol=1e-2)  # one int8 scale does for all
        lost = (samples - measure.mean) @ matrix.T - middle @ parts.pointwise.T
        assert np.trace(measure.outputs @ np.cov(lost.T)) == pytest.approx(parts.error, rel=0.05, abs=1e-4 * whole)
        errors.append(parts.error)
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 0.8 * whole
    assert errors[-1] < 1e-3 * whole  # as many as there are outputs do for any matrix


def test_an_input_that_nothing_reads_stays_unread() -> None:
    apart = Metric(np.zeros(27), np.eye(27), np.eye(6))
    matrix = CHANCE.normal(size=(6, 9, 3)) * np.array([1, 0, 1])
    parts = separate(matrix.reshape(6, 27), apart, 3, 2)
    whole = (parts.pointwise @ spread(parts.depthwise)).reshape(6, 9, 3)
    assert np.abs(whole[:, :, 1]).max() < 1e-9 < np.abs(whole[:, :, 0]).max()


def test_with_a_depthwise_kernel_for_each_of_its_taps_the_network_says_what_it_said() -> None:
    weights, units = random_weights(), find_units(CONVS)
    shape = Shape({name: Split("depthwise", 9) for name in ("ssh1.conv7x7_3", "ssh2.conv5x5_2")})
    metrics = {name: _plain(CONVS[name].inputs * unit.side**2, unit.names) for name, unit in units.items()}
    choices = Choices(CONVS, weights.family.structure, units, {}, {}, {}, {})
    small = build_network(apply(weights, choices, metrics, shape), (64, 96))
    picture = CHANCE.normal(0, 60, (1, 64, 96, 3)).astype(np.float32)
    for name, wanted in build_network(weights, (64, 96))(picture).items():
        np.testing.assert_allclose(small(picture)[name], wanted, atol=2e-3 * float(np.abs(wanted).max()))


def test_the_halves_of_a_convolution_of_a_sum_share_the_sum() -> None:
    weights, units = random_weights(), find_units(CONVS)
    metrics = {name: _plain(CONVS[name].inputs * unit.side**2, unit.names) for name, unit in units.items()}
    choices = Choices(CONVS, weights.family.structure, units, {}, {}, {}, {})
    small = apply(weights, choices, metrics, Shape({"fpn.merge1": Split("depthwise", 2)}))
    kinds = [type(layer).__name__ for layer in build_network(small, (64, 96)).layers]
    assert (kinds.count("Add"), kinds.count("NearestResize"), kinds.count("DepthwiseConv2D")) == (2, 2, 15)


def _plain(patch: int, names: tuple[str, ...]) -> Metric:
    return Metric(np.zeros(patch), np.eye(patch), np.eye(sum(CONVS[name].outputs for name in names)))
