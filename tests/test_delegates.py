"""Delegates, with one compiled here: it has the name and the entry points of Coral's, and computes nothing."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from edgetpu_device import compile_fake, needs_compiler

from edge_retinaface.config import ModelSettings
from edge_retinaface.delegates import Delegate, is_for_edgetpu, load_library, parse_delegate
from edge_retinaface.errors import DelegateError
from edge_retinaface.service.parts import open_live_detector

ROOT = Path(__file__).parent.parent


@pytest.fixture
def attached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the fake device writes the options it was given to; while it exists there is a device."""
    told = tmp_path / "told"
    monkeypatch.setenv("FAKE_EDGETPU", str(told))
    return told


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("edgetpu", {}),
        ("edgetpu:usb", {"device": "usb"}),
        ("edgetpu:pci:1", {"device": "pci:1"}),
        ("edgetpu::1", {"device": ":1"}),
    ],
)
def test_which_accelerator_stands_behind_the_colon(text: str, options: dict[str, str]) -> None:
    assert parse_delegate(text) == Delegate("libedgetpu.so.1", options)


def test_anything_else_is_a_library() -> None:
    assert parse_delegate("/opt/lib:x.so") == Delegate("/opt/lib:x.so", {})


def test_only_compiled_models_are_for_the_edge_tpu() -> None:
    assert not is_for_edgetpu(b"")
    assert is_for_edgetpu(b"....edgetpu-custom-op....")


@needs_compiler
def test_a_runtime_that_is_too_old_is_refused_before_it_sees_a_model(tmp_path: Path) -> None:
    load_library(Delegate(str(compile_fake(tmp_path, 14)), {}))
    (tmp_path / "old").mkdir()
    with pytest.raises(DelegateError, match="wanted Edge TPU runtime 14 or newer, found 13"):
        load_library(Delegate(str(compile_fake(tmp_path / "old", 13)), {}))


@needs_compiler
@pytest.mark.convert
def test_the_options_reach_the_library(tmp_path: Path, default_model: Path, attached: Path) -> None:
    compile_fake(tmp_path)
    program = "import sys; from edge_retinaface import RetinaFace; RetinaFace(sys.argv[1], delegate='edgetpu:usb:1')"
    environ = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program, str(default_model)], cwd=ROOT, env=environ, check=True)
    assert attached.read_text() == "device=usb:1\n"


@needs_compiler
@pytest.mark.convert
def test_a_device_that_is_not_there_is_one_line_or_the_cpu(
    tmp_path: Path, default_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = compile_fake(tmp_path)
    settings = {"path": str(default_model), "delegate": str(library)}
    with pytest.raises(DelegateError, match="refuses to start: no device, or the wrong version"):
        open_live_detector(ModelSettings(**settings))
    with caplog.at_level(logging.WARNING):
        open_live_detector(ModelSettings(**settings, delegate_fallback=True))
    assert "the CPU does its work" in caplog.text


@needs_compiler
@pytest.mark.convert
def test_a_library_that_crashes_takes_no_service_with_it(
    tmp_path: Path, default_model: Path, attached: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = compile_fake(tmp_path, crash="abort();")
    settings = {"path": str(default_model), "delegate": str(library)}
    with pytest.raises(DelegateError, match="the interpreter died of SIGABRT"):
        open_live_detector(ModelSettings(**settings))
    assert attached.exists()
    with caplog.at_level(logging.WARNING):
        open_live_detector(ModelSettings(**settings, delegate_fallback=True))
    assert "SIGABRT; the CPU does its work" in caplog.text


@needs_compiler
@pytest.mark.convert
def test_a_delegate_that_works_is_used(tmp_path: Path, default_model: Path, attached: Path) -> None:
    detector = open_live_detector(ModelSettings(path=str(default_model), delegate=str(compile_fake(tmp_path))))
    assert detector.input_hw == (480, 640)
    assert attached.exists()
