"""What stands under the name of a file and is none, for whoever reads it."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_retinaface.cameras.orientation import Orientation
from edge_retinaface.cameras.replay import FileSource
from edge_retinaface.commands.paths import check_output
from edge_retinaface.config import load_config
from edge_retinaface.errors import EdgeRetinaFaceError, OutputError
from edge_retinaface.files import read_file
from edge_retinaface.images import read_image
from edge_retinaface.media import Medium, frame_rate, read_medium
from edge_retinaface.model_file import read_model


def make_pipe(folder: Path) -> Path:
    path = folder / "pipe"
    os.mkfifo(path)
    return path


def make_socket(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    return folder / "socket"


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (make_pipe, "a pipe, not a file"),
        (make_socket, "a socket, not a file"),
        (lambda _: Path("/dev/zero"), "a device, not a file"),
        (lambda folder: folder, "Is a directory"),
        (lambda folder: folder / "missing", "No such file or directory"),
    ],
)
def test_what_may_never_end_is_not_read(make: Callable[[Path], Path], found: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=found):
        read_file(make(tmp_path))


def test_a_link_to_a_file_is_read_as_the_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    (tmp_path / "link").symlink_to("x")
    assert read_file(tmp_path / "link") == b"content"


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (read_image, 74),
        (lambda path: next(read_medium(Medium(path.rename(path.with_suffix(".mp4")), Path("x")))), 74),
        (frame_rate, 74),
        (read_model, 74),
        (lambda path: load_config(path, {}), 78),
        (lambda path: FileSource(path, Orientation(), threading.Event(), loop=False, realtime=False), 69),
    ],
    ids=["picture", "video", "frame rate", "model", "configuration", "camera"],
)
def test_a_pipe_in_place_of_a_file_is_one_line(read: Callable[[Path], object], code: int, tmp_path: Path) -> None:
    with pytest.raises(EdgeRetinaFaceError, match=r"^[^\n]*: wanted a [^\n]*, found: a pipe, not a file$") as caught:
        read(make_pipe(tmp_path))
    assert caught.value.exit_code == code


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (".", "Is a directory"),
        ("file/x.tflite", "Not a directory"),
        ("file/deeper/x.tflite", "Not a directory"),
        ("/dev/null", "a device, not a file"),
        ("/proc/new/x.tflite", "No such file or directory"),  # what the kernel says to new files there
    ],
)
def test_a_place_where_no_file_can_be_put_is_found_before_the_work(name: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=rf"wanted a file to write, found: {found}$"):
        check_output(tmp_path / name)


@pytest.mark.parametrize("name", ["new.tflite", "file", "folders/that/are/made/x.tflite"])
def test_a_place_for_a_file_stays_as_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    check_output(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "kept"
