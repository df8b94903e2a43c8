"""The doctor on models with one mistake each, and on good ones: who is taken for whom."""

import json
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from convert_weights import default_onnx, default_weights
from doctor_cases import Case, make_cases, make_slow_cases
from typer.testing import CliRunner

from convert.cli import app
from convert.doctor.examine import Doctor
from convert.doctor.mistakes import ADVICE, HEALTHY

pytestmark = [pytest.mark.convert, pytest.mark.timeout(900)]
NAMED = 0.95  # of the mistakes, at least


def diagnose(doctor: Doctor, cases: list[Case]) -> list[tuple[Case, str]]:
    return [(case, doctor.examine(case.path).name) for case in cases]


def table(said: list[tuple[Case, str]]) -> str:
    """How often each mistake was called what."""
    counts = Counter((case.mistake, name) for case, name in said)
    return "\n".join(f"{mistake:22} called {name:22} {count:4}" for (mistake, name), count in sorted(counts.items()))


def check(said: list[tuple[Case, str]]) -> None:
    print(table(said))  # noqa: T201 # the confusion table: pytest -s shows it
    missed = [(case.label, name) for case, name in said if case.mistake not in (HEALTHY, name)]
    false_alarms = [(case.label, name) for case, name in said if case.mistake == HEALTHY != name]
    mistakes = sum(case.mistake != HEALTHY for case, _ in said)
    assert false_alarms == []
    assert len(missed) <= (1 - NAMED) * mistakes, missed


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return make_cases(default_weights(), tmp_path_factory.mktemp("doctor"))


def test_it_names_mistakes_in_float_and_int8_files_and_leaves_good_ones_alone(cases: list[Case]) -> None:
    assert {case.mistake for case in cases} == ADVICE.keys() - {"imagenet_normalised", "unexplained"}
    check(diagnose(Doctor(default_weights()), cases))


@pytest.mark.slow
def test_it_names_mistakes_in_quantized_files_of_other_converters(tmp_path_factory: pytest.TempPathFactory) -> None:
    cases = make_slow_cases(default_weights(), tmp_path_factory.mktemp("doctor"))
    check(diagnose(Doctor(default_weights()), cases))


def test_every_mistake_has_advice_that_ends_as_a_sentence() -> None:
    assert [name for name, advice in ADVICE.items() if not advice.endswith(".")] == []


def test_the_command_ends_with_1_for_a_mistake_and_prints_it_as_json(cases: list[Case], tmp_path: Path) -> None:
    weights = tmp_path / "weights.onnx"
    weights.write_bytes(default_onnx())
    dead = next(case for case in cases if case.label == "ours float32, scores all alike")
    done = CliRunner().invoke(app, ["doctor", str(dead.path), "--reference", str(weights), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["diagnosis"] == "dead_scores"
    assert [finding["mistake"] for finding in told["findings"]] == ["dead_scores"]
    assert "50%" in told["findings"][0]["evidence"]
