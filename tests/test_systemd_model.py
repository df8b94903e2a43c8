"""A model is installed and taken back beside the sandboxed service in a booted systemd; the command dies in a trial."""

from pathlib import Path
from typing import Any

import pytest
from systemd_cases import run

pytestmark = pytest.mark.systemd

TRIAL = """
COMMAND = "/opt/edge-retinaface/bin/edge-retinaface"
systemctl("start", SERVICE)
(model,) = Path("/opt/edge-retinaface").rglob("default.tflite")
def listed():
    return json.loads(sh(f"{COMMAND} model list --json").stdout)
def in_journal(text):
    return lambda: text in journal()
killed = subprocess.Popen([COMMAND, "model", "install", str(model), "--frames", "5", "--health", "600"])
until(lambda: [one["state"] for one in listed()["models"]] == ["on trial: health"], 60)
killed.kill()
killed.wait()
until(in_journal("model of the package is in use"))
given_up = listed()

tried = sh(f"{COMMAND} model install {model} --frames 5 --health 1 --max-slowdown 9")
until(in_journal("passed its trial"))
installed = listed()
back = sh(f"{COMMAND} model rollback")
tried = tried.stderr.splitlines()
report(given_up=given_up, tried=tried, installed=installed, back=back.stdout, same=show("NRestarts"))
"""


@pytest.fixture(scope="module")
def trial(machine: list[Path]) -> dict[str, Any]:
    return run(machine, TRIAL)


def test_a_command_that_is_killed_leaves_the_old_model_running_and_current(trial: dict[str, Any]) -> None:
    assert trial["given_up"]["current"] is None
    assert [one["state"] for one in trial["given_up"]["models"]] == [""]


def test_a_model_is_tried_by_the_service_and_becomes_current(trial: dict[str, Any]) -> None:
    assert trial["tried"][-2:] == ["trial: health", "trial: passed"]
    (model,) = trial["installed"]["models"]
    assert (model["state"], trial["installed"]["current"]) == ("current", model["sha256"])
    assert trial["back"] == "the model that came with the package is the current model\n"
    assert trial["same"] == "0", "the service ran on all the time"
