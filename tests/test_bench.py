import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_retinaface.bench.compare import compare
from edge_retinaface.bench.corridor import BLOCK, STAGES, WHOLE, blocks, times
from edge_retinaface.bench.records import Bench, Machine, Run, from_json, to_json
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import DataError


def bench_of(ratios: object, memory_mib: float = 80.0, model: str = "m") -> Bench:
    run = Run(
        model=model,
        threads=1,
        input_hw=(480, 640),
        frame_hw=(720, 1280),
        frames=200,
        faces=1.0,
        stages={},
        accounted=1.0,
        over_invoke=1.02,
        fps=30.0,
        blocks=tuple(map(float, np.asarray(ratios))),
        partitions=1,
        fallback={},
        start_ms=(500.0,),
        memory_mib=memory_mib,
    )
    machine = Machine(processor="p", cores=2, system="s", versions={}, warnings=())
    return Bench(version="1", date="2026-01-01T00:00:00+00:00", command="c", machine=machine, runs=(run,))


def noisy(seed: int, slower: float = 1.0, spread: float = 0.05, count: int = 20) -> Bench:
    """Blocks round 10 with log-normal noise and, as on a shared machine, now and then one of twice the time."""
    random = np.random.default_rng(seed)
    ratios = 10 * slower * np.exp(random.normal(0, spread, count))
    ratios[random.random(count) < 0.1] *= 2
    return bench_of(ratios)


def verdict(old: Bench, new: Bench) -> bool:
    return any(one.regression for one in compare(old, new))


def test_noise_is_no_regression() -> None:
    assert sum(verdict(noisy(seed), noisy(seed + 1000)) for seed in range(100)) <= 3  # 1 % is 1


def test_a_fifth_more_time_is_a_regression_in_spite_of_noise() -> None:
    assert sum(verdict(noisy(seed), noisy(seed + 1000, slower=1.2)) for seed in range(100)) >= 88


def test_a_quicker_run_is_no_regression() -> None:
    assert not any(verdict(noisy(seed), noisy(seed + 1000, slower=0.8)) for seed in range(50))


def test_a_difference_that_is_sure_but_small_is_no_regression() -> None:
    steady = bench_of(np.full(20, 10.0))
    assert not verdict(steady, bench_of(np.full(20, 10.4)))
    assert verdict(steady, bench_of(np.full(20, 10.6)))


def test_on_a_disturbed_machine_a_regression_has_to_be_larger() -> None:
    steady = bench_of(np.full(20, 10.0))
    machine = msgspec.structs.replace(steady.machine, warnings=("busy: load 9 on 2 cores before the run",))
    disturbed = msgspec.structs.replace(steady, machine=machine)
    for slower, worse in ((11.4, False), (11.6, True)):
        assert verdict(disturbed, bench_of(np.full(20, slower))) is worse
        assert verdict(steady, bench_of(np.full(20, slower)))


def test_wild_blocks_prove_nothing() -> None:
    random = np.random.default_rng(1)
    assert not verdict(bench_of(random.uniform(1, 20, 20)), bench_of(random.uniform(1, 21, 20)))


def test_a_tenth_more_memory_is_a_regression() -> None:
    old = bench_of(np.full(20, 10.0))
    assert verdict(old, bench_of(np.full(20, 10.0), memory_mib=89.0))
    assert not verdict(old, bench_of(np.full(20, 10.0), memory_mib=87.0))


def test_runs_of_other_models_are_not_compared() -> None:
    assert compare(bench_of([1.0], model="a"), bench_of([2.0], model="b")) == []


def test_percentiles_are_in_milliseconds() -> None:
    series = {stage: list(range(1_000_000, 102_000_000, 1_000_000)) for stage in (*STAGES, WHOLE)}
    assert times(series)[WHOLE].p50 == 51
    assert times(series)["nms"].p95 == 96


def test_blocks_are_medians_of_ten_and_what_other_programs_took_is_left_out() -> None:
    busy = list(range(1_000_000, 102_000_000, 1_000_000))
    waiting = [value * 3 for value in busy]  # the processor was somebody else's two thirds of the time
    stick = [1_000_000] * 101
    series = {"detect": waiting, "detect busy": busy, "yardstick": stick, "yardstick busy": stick}
    assert blocks(series, waits=False)[:2] == (5.5, 15.5)
    assert len(blocks(series, waits=False)) == 101 // BLOCK
    assert blocks(series, waits=True)[:2] == (16.5, 46.5)


def test_a_run_survives_its_json() -> None:
    bench = bench_of([1.5, 2.5])
    assert from_json("x", to_json(bench)) == bench


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "bad.json: wanted a bench run, found: "),
        (b'{"schema": 9}', "bad.json: wanted a bench run of schema 1, found 9"),
        (b'{"schema": 1}', "bad.json: wanted a bench run, found: Object missing required field"),
    ],
)
def test_a_file_that_is_no_run_is_one_line(content: bytes, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        from_json("bad.json", content)


@pytest.mark.convert
def test_operators_outside_of_the_delegate_are_counted(default_model: Path) -> None:
    partitions, left = RetinaFace(default_model).operators()
    assert partitions >= 1
    assert "CONV_2D" not in left
    assert all(number > 0 for number in left.values())


@pytest.mark.convert
def test_the_command_measures_every_stage_and_compares_with_itself(
    default_model: Path, astronaut: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first.json"
    command = [sys.executable, "-m", "edge_retinaface", "bench", str(astronaut), "--model", str(default_model)]
    command += ["--rounds", "20", "--json"]
    done = subprocess.run([*command, "--output", str(first)], capture_output=True, text=True, check=True)
    assert msgspec.json.decode(first.read_bytes()) == json.loads(done.stdout)
    (run,) = from_json("", first.read_bytes()).runs
    assert list(run.stages) == [*STAGES, WHOLE]
    assert run.frames == 20
    assert run.faces == 1
    assert run.frame_hw == (512, 512)
    assert run.accounted > 0.9
    assert len(run.blocks) == 2
    assert run.memory_mib > 20
    older = bench_of(np.array(run.blocks) / 1000, model=run.model)
    older = msgspec.structs.replace(older, runs=(msgspec.structs.replace(older.runs[0], frame_hw=(512, 512)),))
    first.write_bytes(to_json(older))
    again = subprocess.run([*command, "--compare", str(first)], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "worse" in again.stderr
