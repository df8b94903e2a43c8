"""Is it really on the Edge TPU? With a stand-in for Coral's library and a model as its compiler leaves one."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgetpu_device import compile_fake, compiled, needs_compiler

from edge_retinaface import RetinaFace
from edge_retinaface.checks.model import check_model, running_model
from edge_retinaface.config import ModelSettings
from edge_retinaface.errors import DelegateError, ModelError
from edge_retinaface.message import Stats
from edge_retinaface.model_file import read_model, write_model
from edge_retinaface.service.parts import open_live_detector

ROOT = Path(__file__).parent.parent
pytestmark = [needs_compiler, pytest.mark.convert]
Run = Callable[..., subprocess.CompletedProcess[str]]
NAME = "mnet025-480x640-int8"
STATS = Stats(device="pi", time="", uptime_s=1, cameras={}, stages_ms={}, publishers={}, memory_mib=1, model=NAME)


@pytest.fixture
def coral(tmp_path: Path, default_model: Path) -> Path:
    """The default model, all but its last three operations compiled for the Edge TPU."""
    model = read_model(default_model)
    path = tmp_path / "coral_edgetpu.tflite"
    write_model(path, compiled(model.flatbuffer, left=3), model.card)
    return path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Coral's library with a device behind it."""
    monkeypatch.setenv("FAKE_EDGETPU", str(tmp_path / "told"))
    return compile_fake(tmp_path)


@pytest.fixture
def run(tmp_path: Path, library: Path, astronaut: Path) -> Run:
    """Runs a command where `edgetpu` is found; for `check` with these settings of [model]."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(astronaut, pictures)

    def run_one(command: str, *arguments: str, model: str = "") -> subprocess.CompletedProcess[str]:
        config = tmp_path / "config.toml"
        camera = f'[[camera]]\nname = "door"\nuri = "folder:{pictures}"\n'
        config.write_text(f'{camera}[model]\n{model}\n[socket]\npath = "{tmp_path}/er.sock"\n')
        options = ["--config", str(config)] if command == "check" else []
        return subprocess.run(
            [sys.executable, "-m", "edge_retinaface", command, *options, *arguments],
            cwd=ROOT,
            env=os.environ | {"LD_LIBRARY_PATH": str(library.parent)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run_one


def test_check_says_what_runs_on_the_edge_tpu_and_what_beside_it(run: Run, coral: Path) -> None:
    done = run("check", model=f'path = "{coral}"\ndelegate = "edgetpu"')
    assert done.returncode == 0, done.stdout
    assert "input 480x640 on edgetpu, on the Edge TPU but for 3 CONV_2D, " in done.stdout


def test_check_says_that_the_service_may_not_use_what_root_may(
    run: Run, coral: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(
        '#!/bin/sh\ncase "$*" in *LoadState*) echo loaded;; *DeviceAllow*) echo char-video4linux rw;; esac'
    )
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = run("check", model=f'path = "{coral}"\ndelegate = "edgetpu"')
    assert f"FAIL  model             {NAME} runs on the Edge TPU, but the service may not use it" in done.stdout
    assert "sudo edge-retinaface install-service --with coral" in done.stdout


@pytest.mark.parametrize("delegate", ["edgetpu", "a path"])
def test_check_says_that_a_model_for_the_cpu_does_not_run_on_the_edge_tpu(
    run: Run, default_model: Path, library: Path, delegate: str, tmp_path: Path
) -> None:
    name = str(library) if delegate == "a path" else delegate
    done = run("check", model=f'path = "{default_model}"\ndelegate = "{name}"')
    assert done.returncode == 1
    assert f"{NAME} is not compiled for the Edge TPU: all of it runs on the CPU" in done.stdout
    assert (tmp_path / "told").exists(), "the accelerator is there, only nothing is for it"


def test_bench_says_it_too(run: Run, coral: Path, default_model: Path, astronaut: Path) -> None:
    command = (str(astronaut), "--model", str(coral), "--model", str(default_model), "--rounds", "20")
    done = run("bench", *command, "--delegate", "edgetpu", "--output", str(coral.parent / "run.json"))
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "on the Edge TPU in 1 part; delegated in" in said
    assert "not on the Edge TPU: the model is not compiled for it" in said
    runs = json.loads((coral.parent / "run.json").read_text())["runs"]
    assert [(one["delegate"], one["edgetpu"]) for one in runs] == [("edgetpu", 1), ("edgetpu", 0)]


def test_a_library_that_crashes_ends_bench_with_one_line(run: Run, coral: Path, astronaut: Path) -> None:
    compile_fake(coral.parent, crash="abort();")
    done = run("bench", str(astronaut), "--model", str(coral), "--delegate", "edgetpu")
    assert (done.returncode, done.stderr) == (69, "edge-retinaface: edgetpu: the interpreter died of SIGABRT\n")


def test_a_compiled_model_without_a_delegate_is_refused_with_what_it_wants(coral: Path) -> None:
    with pytest.raises(ModelError, match="wanted a delegate, as it is compiled for the Edge TPU, found"):
        RetinaFace(coral)
    assert 'delegate = "edgetpu"' in check_model(ModelSettings(path=str(coral))).found


def test_a_compiled_model_has_no_cpu_to_fall_back_to(coral: Path, tmp_path: Path) -> None:
    library = compile_fake(tmp_path)  # without a device
    settings = ModelSettings(path=str(coral), delegate=str(library), delegate_fallback=True)
    with pytest.raises(DelegateError, match="refuses to start: no device"):
        open_live_detector(settings)


def test_the_accelerator_of_a_service_that_runs_is_left_alone(coral: Path, default_model: Path) -> None:
    found = running_model(ModelSettings(path=str(coral), delegate="edgetpu"), STATS)
    assert (found.ok, found.found) == (
        True,
        f"{NAME}, in use by the service on the Edge TPU, as it was compiled for it",
    )
    assert not running_model(ModelSettings(path=str(default_model), delegate="edgetpu"), STATS).ok
