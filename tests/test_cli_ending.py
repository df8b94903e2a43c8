"""How the commands begin and end, whatever state they are started in: exit codes, streams, Ctrl-C."""

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rights import run_without_privilege
from test_cli_detect import ROOT, complaints, run
from typer.models import CommandInfo
from waiting import eventually

from edge_retinaface.cli import app
from edge_retinaface.commands.paths import as_path

PROGRAMS = ("edge_retinaface", "convert", "convert.eval")
# a module that takes for ever, and makes of Ctrl-C what native modules make of it
SLOW = """
import pathlib, time
pathlib.Path(__file__).with_name("loading").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    raise ImportError("initialization failed")
"""


def commands(group: typer.Typer) -> Iterator[CommandInfo]:
    yield from group.registered_commands
    for one in group.registered_groups:
        assert one.typer_instance is not None
        yield from commands(one.typer_instance)


def test_every_path_on_the_command_line_is_taken_as_it_is() -> None:
    parsers = {}
    for one in commands(app):
        assert one.callback is not None
        for name, parameter in inspect.signature(one.callback).parameters.items():
            kind = getattr(parameter.annotation, "__origin__", None)
            if "Path" in str(kind):
                parsers[one.callback.__name__, name] = parameter.annotation.__metadata__[0].parser
    assert len(parsers) > 10
    assert {place for place, parser in parsers.items() if parser is not as_path} == set()


@pytest.mark.convert
def test_a_file_that_may_not_be_read_is_our_one_line_and_code(default_model: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    secret.touch(mode=0o000)
    result = run_without_privilege("edge_retinaface", "detect", secret, "--model", default_model)
    assert complaints(result) == [f"edge-retinaface: {secret}: wanted a picture, found: Permission denied"]
    assert result.returncode == 74


def test_an_empty_name_is_no_path_to_the_current_folder() -> None:
    result = run("detect", "x.jpg", "--draw", "")
    assert result.returncode == 2
    assert "'--draw': wanted a file or folder, found an empty name" in result.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_ctrl_c_while_modules_load_is_quiet(program: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(SLOW)
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    # a shell's background jobs ignore the signal, and so would all tests that are started in one
    command = ["env", "--default-signal=INT", sys.executable, "-m", program, "--help"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert eventually((tmp_path / "loading").exists)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "")


@pytest.mark.parametrize("program", PROGRAMS[1:])
def test_without_the_extra_the_converter_says_what_to_install(program: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['keras'] = sys.modules['scipy'] = None\n")
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-m", program, "--help"]
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr.count("\n")) == (69, 1), result.stderr
    assert result.stderr.endswith(": pip install 'edge-retinaface[convert]'\n")


@pytest.mark.convert
def test_with_standard_error_closed_results_and_exit_code_are_the_same(default_model: Path, astronaut: Path) -> None:
    words = [sys.executable, "-m", "edge_retinaface", "detect", astronaut, "missing.jpg", "--model", default_model]
    result = subprocess.run(
        ["bash", "-c", '"$@" 2>&-', "detect", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    assert (result.returncode, result.stdout.splitlines()[0]) == (74, f"{astronaut}: 1 face")


@pytest.mark.parametrize(
    ("words", "program"), [(["convert"], "edge-retinaface convert"), (["eval"], "edge-retinaface eval")]
)
@pytest.mark.convert
def test_help_names_the_command_as_it_was_reached(words: list[str], program: str) -> None:
    assert run(*words, "--help").stdout.strip().startswith(f"Usage: {program} ")
