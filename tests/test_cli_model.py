"""`edge-retinaface model`, as a person or Ansible runs it."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from store_cases import make_model
from test_store_signature import make_key, sign

from edge_retinaface import Frame, RetinaFace
from edge_retinaface.images import read_image
from edge_retinaface.model_file import read_model, write_model
from edge_retinaface.store.live import LiveDetector
from edge_retinaface.store.models import Store
from edge_retinaface.store.trial import Keeper

ROOT = Path(__file__).parent.parent


class Device:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "models")
        self.report = folder / "model.json"

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        places = ["--store", str(self.store.folder)]
        if arguments[0] in ("install", "list"):
            places += ["--report", str(self.report)]
        command = [sys.executable, "-m", "edge_retinaface", "model", *map(str, arguments), *places]
        environ = os.environ | {"XDG_CACHE_HOME": str(ROOT / ".cache")}
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environ)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    (tmp_path / "models").mkdir()
    return Device(tmp_path)


def renamed(model: Path, path: Path, name: str) -> Path:
    """The same network under another name: another file, another digest."""
    found = read_model(model)
    write_model(path, found.flatbuffer, msgspec.structs.replace(found.card, name=name))
    return path


@pytest.mark.convert
def test_a_model_is_installed_listed_shown_and_taken_back(device: Device, default_model: Path) -> None:
    one = renamed(default_model, device.folder / "one.tflite", "one")
    done = device("install", one)
    assert done.returncode == 0, done.stderr
    loads, trial = done.stderr.splitlines()
    assert loads.startswith("loads: one, input 480x640")
    assert trial == "no service runs here: no trial on live frames"
    digest = device.store.current
    assert done.stdout == f"{str(digest)[:12]} is the current model\n"
    assert device("install", one).stdout == f"{str(digest)[:12]} is the current model already\n"
    assert device("list").stdout == f"{str(digest)[:12]}  current   one\n"
    assert json.loads(device("list", "--json").stdout)["current"] == digest
    assert json.loads(device("info", "--json").stdout)["name"] == "one"
    assert device("info", str(digest)[:6]).stdout.splitlines()[1] == "name        one"
    assert device("rollback", "--from", "beef").stdout.endswith("stays the current model: it is not beef\n")
    assert (
        device("rollback", "--from", str(digest)).stdout
        == "the model that came with the package is the current model\n"
    )
    assert device.store.current is None


@pytest.mark.convert
def test_a_folder_with_a_model_and_its_signature_is_installed(device: Device, default_model: Path) -> None:
    bundle = device.folder / "bundle"
    bundle.mkdir()
    shutil.copy(default_model, bundle / "m.tflite")
    key = make_key(device.folder, "maker")
    refused = device("install", bundle, "--verify-key", key.with_suffix(".pub"))
    assert (refused.returncode, len(refused.stderr.splitlines())) == (74, 1)
    assert device.store.current is None
    sign(key, bundle / "m.tflite")
    done = device("install", bundle, "--verify-key", key.with_suffix(".pub"))
    assert done.returncode == 0, done.stderr
    assert f"{bundle}/m.tflite: signed by maker@example" in done.stderr


def test_a_folder_without_a_model_or_with_two_is_refused(device: Device) -> None:
    bundle = device.folder / "bundle"
    bundle.mkdir()
    assert "wanted a folder with one .tflite file, found none" in device("install", bundle).stderr
    for name in ("a", "b"):
        make_model(bundle / f"{name}.tflite", name)
    assert "found a.tflite, b.tflite" in device("install", bundle).stderr


def test_a_model_that_no_interpreter_takes_never_becomes_current(device: Device) -> None:
    make_model(device.folder / "bad.tflite")
    done = device("install", device.folder / "bad.tflite")
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert device.store.current is None


@pytest.mark.parametrize("words", [["list"], ["info"], ["rollback"]])
def test_a_store_that_is_not_there_is_said_and_not_made(words: list[str], device: Device) -> None:
    device.store.folder.rmdir()
    done = device(*words)
    assert (done.returncode, done.stdout) == (74, "")
    assert done.stderr.endswith("/models: wanted a folder of models, found: No such file or directory\n")
    assert not device.store.folder.exists()


def test_a_model_that_is_neither_a_file_nor_in_the_store_is_a_missing_file(device: Device) -> None:
    done = device("info", "nosuch")
    assert (done.returncode, done.stderr.count("\n")) == (74, 1)
    assert done.stderr.endswith("nosuch: wanted a file or a model of the store, found neither\n")


@pytest.mark.parametrize("start", ["", "zzz", "beef" * 17])
def test_a_rollback_from_what_is_no_sha256_is_a_usage_error(device: Device, start: str) -> None:
    done = device("rollback", "--from", start)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--from: wanted the start of a sha256" in done.stderr


def test_without_a_model_before_a_rollback_is_one_line(device: Device) -> None:
    done = device("rollback")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("wanted a model to go back to, found none\n")


@pytest.mark.convert
def test_a_running_detector_tries_the_model_and_the_command_waits_for_it(
    device: Device, default_model: Path, astronaut: Path
) -> None:
    current = renamed(default_model, device.folder / "current.tflite", "current")
    assert device("install", current).returncode == 0
    before = device.store.current
    new = renamed(default_model, device.folder / "new.tflite", "new")
    live = LiveDetector(RetinaFace, device.store, device.report)
    frame = Frame(read_image(astronaut), "BGR", 0, 0)
    over, found = threading.Event(), []

    def run() -> None:
        while not over.is_set():
            found.append(len(live.detect(frame)))
            time.sleep(0.02)

    thread = threading.Thread(target=run)
    with Keeper(live, 0.1):
        thread.start()
        try:
            gates = ["--frames", "5", "--health", "0.2", "--max-slowdown", "100"]
            done = device("install", new, *gates)
            assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "trial: passed"), done.stderr
            assert device.store.previous == before
            assert live.active.model_name == "new"
            refused = device("install", current, "--frames", "5", "--health", "0", "--max-slowdown", "0")
            assert refused.returncode == 1
            assert "failed its trial: wanted at most 0 times the current model's time" in refused.stderr
            assert live.active.model_name == "new"
            assert device("rollback").returncode == 0
            end = time.monotonic() + 30
            while live.active.model_name == "new" and time.monotonic() < end:
                time.sleep(0.05)
            assert live.active.model_name == "current"
        finally:
            over.set()
            thread.join()
    assert set(found) == {1}, "every frame was answered, and its face found, by whichever model"
