import numpy as np
import pytest

from convert.evaluation.bootstrap import Estimate, estimate, ratio


def test_a_mean_of_nothing_is_none() -> None:
    assert ratio(0, np.empty(0), np.empty(0)) == Estimate(None, None)
    assert ratio(2, np.zeros(2), np.zeros(2)) == Estimate(None, None)


def test_equal_pictures_do_not_spread() -> None:
    assert ratio(5, np.full(5, 3.0), np.full(5, 4.0)) == Estimate(0.75, 0.0)


def test_the_deviation_of_a_mean_is_that_of_the_pictures_over_the_root_of_their_number() -> None:
    values = np.random.default_rng(1).normal(10, 2, size=400)
    result = ratio(400, values, np.ones(400))
    assert result.value == pytest.approx(values.mean())
    assert result.sd == pytest.approx(values.std() / 20, rel=0.1)  # 500 draws: good to 3 %


def test_draws_of_as_many_pictures_are_the_same_draws() -> None:
    seen: list[list[int]] = []
    for _ in range(2):
        estimate(4, lambda times: seen.append(times.tolist()) or 0.0)
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]
    assert seen[0] == [1, 1, 1, 1]
    assert {sum(times) for times in seen} == {4}
