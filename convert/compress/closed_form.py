"""The best factorisation of a matrix, and the best matrix without some inputs, in a metric; both in closed form."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.compress.statistics import Metric
from convert.weights import F64

Rows = NDArray[np.intp]

DAMPING = 1e-4  # of the mean variance, added to every direction: no covariance is known exactly


class Factors(NamedTuple):
    """A matrix as a product, all ranks at once: the first r rows and columns are the best of rank r."""

    first: F64  # (outputs, patch): rows of the basis, whose values have variance 1
    second: F64  # (outputs, outputs): columns
    errors: F64  # (outputs + 1,): what is lost at rank 0, 1, …


def factorise(matrix: F64, metric: Metric) -> Factors:
    """`matrix` is (outputs, patch). Eckart and Young's theorem in the metric."""
    inputs, outputs = (root(one) for one in (metric.inputs, metric.outputs))
    left, singular, right = np.linalg.svd(outputs @ matrix @ inputs, full_matrices=False)
    errors = np.append(np.cumsum(singular[::-1] ** 2)[::-1], 0.0)
    return Factors(np.linalg.solve(inputs, right.T).T, np.linalg.solve(outputs, left * singular), errors)


def refit(matrix: F64, kept: Rows, metric: Metric) -> tuple[F64, F64]:
    """The best (outputs, kept) matrix without the other inputs, and what the bias must gain (outputs,)."""
    covariance = damped(metric.inputs)
    best = np.asarray(np.linalg.solve(covariance[np.ix_(kept, kept)], covariance[kept] @ matrix.T).T, np.float64)
    return best, matrix @ metric.mean - best @ metric.mean[kept]


class Elimination:
    """Inputs of one matrix, dropped block by block, the others taking over (optimal brain surgeon, Hassibi 1993)."""

    def __init__(self, matrix: F64, metric: Metric, blocks: list[Rows]) -> None:
        self._matrix, self._outputs = matrix.copy(), metric.outputs
        self._inverse = np.linalg.inv(damped(metric.inputs))
        self._blocks = dict(enumerate(blocks))

    def costs(self) -> dict[int, float]:
        """What each block's going would cost now."""
        rows = np.stack(list(self._blocks.values()))
        parts = self._matrix[:, rows].swapaxes(0, 1)  # (blocks, outputs, rows of a block)
        squares = self._inverse[rows[:, :, None], rows[:, None, :]]
        costs = ((self._outputs @ parts) * np.linalg.solve(squares, parts.swapaxes(1, 2)).swapaxes(1, 2)).sum((1, 2))
        return dict(zip(self._blocks, costs.tolist(), strict=True))

    def drop(self, number: int) -> None:
        """Let one block go."""
        rows = self._blocks.pop(number)
        step = np.linalg.solve(self._inverse[np.ix_(rows, rows)], self._inverse[rows])
        self._matrix -= self._matrix[:, rows] @ step
        self._inverse -= self._inverse[:, rows] @ step
        self._inverse[rows, rows] = 1.0  # gone: keeps what is never asked again from being singular


def damped(covariance: F64) -> F64:
    """A covariance as far as it can be known."""
    more = DAMPING * float(np.trace(covariance)) / len(covariance) + 1e-12
    return np.asarray(covariance + more * np.eye(len(covariance)))


def root(covariance: F64) -> F64:
    """The symmetric root of the damped covariance."""
    values, vectors = np.linalg.eigh(damped(covariance))
    root: F64 = (vectors * np.sqrt(np.maximum(values, 1e-20))) @ vectors.T
    return root
