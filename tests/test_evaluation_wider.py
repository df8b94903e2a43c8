from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from convert.evaluation.annotations import load_data
from convert.evaluation.dataset import Present
from edge_retinaface.errors import DataError

BOXES = {"a": [[1, 2, 10, 20], [5, 5, 4, 4]], "b": [[0, 0, 8, 8]], "c": [[7, 7, 0, 0]]}
EVENTS = {"0--Parade": ["a", "b"], "1--Handshaking": ["c"], "2--Riot": ["d"]}


def cell(values: list[Any]) -> np.ndarray:
    """A MATLAB cell array, n rows and one column."""
    column = np.empty((len(values), 1), object)
    for row, value in enumerate(values):
        column[row, 0] = value
    return column


def write(folder: Path, counted: dict[str, list[int]], names: tuple[str, ...] = ("a", "b", "c")) -> Path:
    truth = folder / "ground_truth"
    truth.mkdir()
    base = {
        "event_list": cell(list(EVENTS)),
        "file_list": cell([cell(list(files)) for files in EVENTS.values()]),
        "face_bbx_list": cell([cell([np.array(BOXES.get(name, [])) for name in files]) for files in EVENTS.values()]),
    }
    savemat(truth / "wider_face_val.mat", base)
    for setting in ("easy", "medium", "hard"):
        lists = [cell([np.array(counted.get(name, []))[:, None] for name in files]) for files in EVENTS.values()]
        savemat(truth / f"wider_{setting}_val.mat", base | {"gt_list": cell(lists)})
    for event, files in EVENTS.items():
        for name in set(files) & set(names):
            (folder / "WIDER_val" / "images" / event).mkdir(parents=True, exist_ok=True)
            (folder / "WIDER_val" / "images" / event / f"{name}.jpg").touch()
    return folder


def test_pictures_that_are_there_are_joined_with_their_faces_in_the_order_of_the_ground_truth(tmp_path: Path) -> None:
    data = load_data(write(tmp_path, {"a": [2], "b": [1]}))
    assert [one.name for one in data.pictures] == ["0--Parade/a.jpg", "0--Parade/b.jpg", "1--Handshaking/c.jpg"]
    assert [one.event for one in data.pictures] == ["0--Parade", "0--Parade", "1--Handshaking"]
    assert data.pictures[0].boxes.tolist() == [[1, 2, 11, 22], [5, 5, 9, 9]]
    assert [one.counts["hard"].tolist() for one in data.pictures] == [[False, True], [True], [False]]
    assert data.settings == ("easy", "medium", "hard")


def test_what_is_absent_is_counted_and_the_figure_said_not_to_be_official(tmp_path: Path) -> None:
    data = load_data(write(tmp_path, {}, names=("b",)))
    assert data.absent == 3
    assert data.events == {"0--Parade": Present(1, 2)}
    assert data.remark == "1 of 3,226 pictures, 1 of 61 events: not the official WIDER FACE figure"


def test_pictures_may_lie_in_images(tmp_path: Path) -> None:
    write(tmp_path, {})
    (tmp_path / "WIDER_val" / "images").rename(tmp_path / "images")
    assert len(load_data(tmp_path).pictures) == 3


def test_ground_truth_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wanted pictures in WIDER_val/images/0--Parade"):
        load_data(write(tmp_path, {}, names=()))


def test_a_number_beyond_the_faces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0--Parade/b: wanted face numbers 1 to 1, found 2 to 2"):
        load_data(write(tmp_path, {"b": [2]}))


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file", b"PK\3\4" * 60, bytes(400)])
def test_ground_truth_that_is_no_matlab_file_is_named(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, {})
    (tmp_path / "ground_truth" / "wider_hard_val.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"wider_hard_val\.mat: wanted"):
        load_data(tmp_path)


def test_a_truncated_matlab_file_is_named_at_every_length(tmp_path: Path) -> None:
    write(tmp_path, {"a": [2]})
    path = tmp_path / "ground_truth" / "wider_easy_val.mat"
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"wider_easy_val\.mat: wanted"):
            load_data(tmp_path)


def test_a_missing_list_of_faces_is_named(tmp_path: Path) -> None:
    write(tmp_path, {})
    (tmp_path / "ground_truth" / "wider_medium_val.mat").unlink()
    with pytest.raises(DataError, match=r"wider_medium_val\.mat: wanted") as error:
        load_data(tmp_path)
    assert error.value.exit_code == 74
