"""`edge-retinaface detect` as a person calls it: a process, its output, its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_retinaface.images import read_image

ROOT = Path(__file__).parent.parent


def run(*arguments: object, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)} | ({"XDG_CACHE_HOME": str(cache)} if cache else {})
    command = [sys.executable, "-m", "edge_retinaface", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def complaints(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Our own lines on stderr; LiteRT adds one of its own when it starts."""
    return [line for line in result.stderr.splitlines() if not line.startswith("INFO:")]


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.strip() == "0.1.0"


@pytest.mark.convert
def test_the_astronaut_has_one_face_where_it_is(default_model: Path, astronaut: Path) -> None:
    result = run("detect", astronaut, "--model", default_model, "--json")
    assert (result.returncode, complaints(result)) == (0, [])
    found = json.loads(result.stdout)
    (face,) = found["faces"]
    x1, y1, x2, y2 = face["box"]
    assert (found["width"], found["height"]) == (512, 512)
    assert abs(x1 - 177) < 12
    assert abs(y1 - 57) < 12
    assert abs(x2 - 270) < 12
    assert abs(y2 - 180) < 12
    assert face["score"] > 0.9
    assert face["landmarks"]["right_eye"][0] < face["landmarks"]["left_eye"][0]


@pytest.mark.convert
def test_every_kind_of_copy_is_written(default_model: Path, astronaut: Path, tmp_path: Path) -> None:
    outputs = [word for kind in ("draw", "crops", "blur") for word in (f"--{kind}", tmp_path / kind)]
    result = run("detect", astronaut, "--model", default_model, *outputs)
    assert (result.returncode, complaints(result)) == (0, [])
    assert result.stdout.startswith(f"{astronaut}: 1 face\n")
    original = read_image(astronaut)
    assert (read_image(tmp_path / "draw" / "astronaut.png") != original).any()
    assert read_image(tmp_path / "crops" / "astronaut_face_1.png").shape == (112, 112, 3)
    blurred = read_image(tmp_path / "blur" / "astronaut.png")
    assert blurred[100:180, 190:260].std() < original[100:180, 190:260].std()
    assert (blurred[300:, 300:] == original[300:, 300:]).all()
    assert run("detect", tmp_path / "blur", "--model", default_model, "--json").stdout.endswith('"faces":[]}\n')


@pytest.mark.convert
def test_bad_pictures_are_named_in_one_line_each_and_the_good_one_is_done(
    default_model: Path, astronaut: Path, tmp_path: Path
) -> None:
    bad = [tmp_path / name for name in ("empty.jpg", "text.jpg", "cut.png", "missing.jpg")]
    bad[0].touch()
    bad[1].write_text("no picture")
    bad[2].write_bytes(astronaut.read_bytes()[:5000])
    result = run("detect", *bad, astronaut, "--model", default_model, "--draw", tmp_path / "out")
    assert result.returncode == 65
    assert [line.split(": ")[1] for line in complaints(result)] == [str(path) for path in bad]
    assert "1 face" in result.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["astronaut.png"]


@pytest.mark.convert
def test_a_missing_picture_alone_is_an_input_output_error(default_model: Path, tmp_path: Path) -> None:
    assert run("detect", tmp_path / "missing.jpg", "--model", default_model).returncode == 74


@pytest.mark.convert
def test_a_video_gives_a_line_a_frame_and_a_drawn_video(default_model: Path, astronaut: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (512, 512))
    for _ in range(3):
        writer.write(read_image(astronaut))
    writer.release()
    result = run("detect", clip, "--model", default_model, "--json", "--draw", tmp_path / "out")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["frame"], len(line["faces"])) for line in lines] == [(0, 1), (1, 1), (2, 1)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.mp4"]
    drawn = cv2.VideoCapture(str(tmp_path / "out" / "clip.mp4"))
    assert drawn.get(cv2.CAP_PROP_FRAME_COUNT) == 3


@pytest.mark.convert
def test_a_video_that_the_disk_does_not_hold_is_one_line_and_no_file(
    default_model: Path, astronaut: Path, tmp_path: Path
) -> None:
    clip, most = tmp_path / "clip.avi", 8192
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 10, (512, 512))
    for _ in range(3):
        writer.write(read_image(astronaut))
    writer.release()
    limit = f"ulimit -f {most // 1024}; exec {sys.executable} -m edge_retinaface"
    command = [
        "bash",
        "-c",
        f'{limit} "$@"',
        "detect",
        "detect",
        clip,
        "--model",
        default_model,
        "--draw",
        tmp_path / "out",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 74, result.stderr
    assert "clip.mp4: wanted 3 frames written, found" in complaints(result)[-1]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.convert
def test_a_place_that_cannot_be_written_is_one_line(default_model: Path, astronaut: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("detect", astronaut, "--model", default_model, "--draw", tmp_path / "file")
    assert (result.returncode, complaints(result)) == (74, [f"edge-retinaface: {tmp_path / 'file'}: File exists"])


@pytest.mark.convert
def test_two_pictures_of_one_name_keep_a_copy_each(default_model: Path, astronaut: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").write_bytes(astronaut.read_bytes())
    run("detect", tmp_path / "a", tmp_path / "b" / "x.png", "--model", default_model, "--draw", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x-2.png", "x.png"]


@pytest.mark.convert
def test_the_input_is_never_written_over(default_model: Path, astronaut: Path, tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    picture.write_bytes(astronaut.read_bytes())
    result = run("detect", picture, "--model", default_model, "--blur", tmp_path)
    assert result.returncode == 65
    assert picture.read_bytes() == astronaut.read_bytes()


@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan"])
def test_a_threshold_outside_0_to_1_is_a_usage_error(value: str) -> None:
    result = run("detect", "x.jpg", f"--threshold={value}")
    assert (result.returncode, len(complaints(result))) == (2, 1)
    assert "wanted a number from 0 to 1" in result.stderr


def test_without_any_model_one_line_says_how_to_get_one(tmp_path: Path) -> None:
    result = run("detect", "x.jpg", cache=tmp_path)
    assert result.returncode == 74
    assert complaints(result) == [result.stderr.strip()]
    assert "edge-retinaface convert default" in result.stderr


def test_a_model_that_is_none_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(np.random.default_rng(0).bytes(1000))
    result = run("detect", "x.jpg", "--model", path)
    assert (result.returncode, len(complaints(result))) == (65, 1)
    assert "wanted a TFLite model" in result.stderr
