"""Durations in memory that never grows, checked by hand."""

from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.cameras import NS_PER_MS, NS_PER_S
from edge_retinaface.service.statistics import SAMPLES, Durations, Statistics


def test_no_durations_have_no_percentiles() -> None:
    assert Durations().percentiles(NS_PER_S) is None
    assert Statistics(0).fps("door", NS_PER_S) == 0.0
    assert Statistics(0).stages_ms(NS_PER_S) == {}


def test_percentiles_of_1_to_100_ms_are_values_that_were_measured() -> None:
    durations = Durations()
    for took_ms in range(1, 101):
        durations.add(NS_PER_S, took_ms * NS_PER_MS)
    found = durations.percentiles(NS_PER_S)
    assert found is not None
    assert (found.p50, found.p95, found.p99, found.max) == (51, 96, 100, 100)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50), st.integers(0, 3))
def test_only_the_last_4096_durations_count(took_ns: list[int], rounds: int) -> None:
    durations = Durations()
    for _ in range(rounds * SAMPLES // 4):
        durations.add(NS_PER_S, 10**12)
    for _ in range(SAMPLES - len(took_ns)):
        durations.add(NS_PER_S, 0)
    for one in took_ns:
        durations.add(NS_PER_S, one)
    found = durations.percentiles(NS_PER_S)
    assert found is not None
    assert found.max == round(max(took_ns) / NS_PER_MS, 2)
    assert durations.recent(NS_PER_S) == SAMPLES


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    statistics = Statistics(0)
    for second in range(120):
        statistics.add("door", second * NS_PER_S, 5 * NS_PER_MS, {"invoke": NS_PER_MS})
    now_ns = 119 * NS_PER_S
    assert statistics.fps("door", now_ns) == 1.0
    assert statistics.stages_ms(now_ns)["invoke"].p99 == 1.0
    statistics.keep(["hall"])
    assert statistics.age_ms("door", now_ns) is None
