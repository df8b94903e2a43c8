import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_retinaface.commands.journal import JournalFormatter


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "edge_retinaface", "run", "--config", str(config)]


@pytest.fixture
def config(tmp_path: Path, astronaut: Path, default_model: Path) -> Path:
    """Three pictures of the astronaut, as fast as the detector, to standard output."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        shutil.copy(astronaut, pictures / f"{number}.png")
    path = tmp_path / "config.toml"
    path.write_text(
        f'device = "pi"\n[model]\npath = "{default_model}"\n[socket]\npath = ""\n[stdout]\nenabled = true\n'
        f'[[camera]]\nname = "door"\nuri = "folder:{pictures}"\nrealtime = false\n'
    )
    return path


def test_a_folder_is_run_to_its_end_and_every_picture_is_a_message(config: Path) -> None:
    done = subprocess.run(command(config), capture_output=True, text=True, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["sequence"], len(one["faces"])) for one in messages] == [(0, 1), (1, 1), (2, 1)]
    assert done.returncode == 0
    assert done.stderr.endswith("INFO camera door: finished\n")


def test_sigterm_ends_it_with_0(config: Path) -> None:
    config.write_text(config.read_text().replace("realtime = false", "loop = true"))
    with subprocess.Popen(command(config), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b'{"schema":1,')
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("wrong", "exit_code", "said"),
    [
        ("camera", 78, "wanted a known key"),
        ("model", 65, "wanted a TFLite model"),
        ("missing", 74, "No such file"),
        ("delegate", 69, "libnone.so"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line_and_its_exit_code(
    config: Path, tmp_path: Path, wrong: str, exit_code: int, said: str
) -> None:
    text = config.read_text()
    (tmp_path / "text.tflite").write_text("no model")
    model = text.split('path = "')[1].split('"')[0]
    changed = {
        "camera": text.replace("uri", "url"),
        "model": text.replace(model, str(tmp_path / "text.tflite")),
        "missing": text.replace(model, str(tmp_path / "none.tflite")),
        "delegate": text.replace("[model]", '[model]\ndelegate = "libnone.so"'),
    }
    config.write_text(changed[wrong])
    done = subprocess.run(command(config), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_mistake_of_ours_is_exit_code_70_with_its_traceback() -> None:
    program = "from edge_retinaface.cli import app, main; app.command('divide')(lambda: 1 / 0); main()"
    done = subprocess.run([sys.executable, "-c", program, "divide"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_the_journal_is_told_how_grave_each_line_is(config: Path) -> None:
    config.write_text(config.read_text().replace("folder:", "folder:/none"))
    with subprocess.Popen(
        command(config), stderr=subprocess.PIPE, env=os.environ | {"JOURNAL_STREAM": "1:2"}
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert line.startswith(b"<4>camera door: away: /none")


def test_each_line_of_a_traceback_has_its_priority() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "one\ntwo", None, None)
    assert JournalFormatter().format(record) == "<3>one\n<3>two"
    assert JournalFormatter().format(logging.LogRecord("x", 1, "", 0, "fine", None, None)) == "<7>fine"
