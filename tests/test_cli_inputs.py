"""Inputs of `detect` that cannot be read, as a person meets them: one line each, and nothing is passed over."""

import shutil
from pathlib import Path

import pytest
from rights import run_without_privilege
from test_cli_detect import complaints, run

from edge_retinaface.media import Medium, find_media


def test_a_folder_is_read_to_the_bottom_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b/x.jpg", "a.png", "b/a/z.MP4", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [Path(name) for name in ("a.png", "b/a/z.MP4", "b/x.jpg")]
    assert list(find_media([tmp_path])) == [Medium(tmp_path / name, name) for name in names]


@pytest.mark.convert
def test_a_forbidden_folder_below_an_input_is_one_line_and_the_rest_is_done(
    default_model: Path, astronaut: Path, tmp_path: Path
) -> None:
    shutil.copy(astronaut, tmp_path / "x.png")
    (tmp_path / "secret").mkdir(mode=0o000)
    result = run_without_privilege("edge_retinaface", "detect", tmp_path, "--model", default_model)
    assert complaints(result) == [
        f"edge-retinaface: {tmp_path}/secret: wanted a folder to look into, found: Permission denied"
    ]
    assert result.returncode == 74
    assert "x.png: 1 face" in result.stdout


@pytest.mark.convert
def test_a_broken_video_is_our_one_line_without_words_of_its_decoder(default_model: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"no video" * 100)
    result = run("detect", tmp_path / "clip.mp4", "--model", default_model)
    assert result.returncode == 65
    assert complaints(result) == [
        f"edge-retinaface: {tmp_path}/clip.mp4: wanted a video, found nothing that OpenCV can decode"
    ]


@pytest.mark.convert
@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["nosuch.jpg"], 74, "nosuch.jpg: wanted a picture, found: No such file or directory"),
        (["PICTURE", "--model", "nosuch.tflite"], 74, "nosuch.tflite: wanted a model file, found: No such file"),
        (["PICTURE", "--model", __file__], 65, "wanted a TFLite model, found"),
        (["PICTURE", "--compare", __file__], 65, "wanted a bench run, found: Expected"),
        (["PICTURE", "--output", "/dev"], 74, "/dev: wanted a file to write, found: Is a directory"),
    ],
)
def test_bench_says_what_is_wrong_before_it_measures(words: list[str], code: int, line: str, astronaut: Path) -> None:
    result = run("bench", *(astronaut if word == "PICTURE" else word for word in words))
    assert (result.returncode, len(complaints(result))) == (code, 1), result.stderr
    assert line in result.stderr
