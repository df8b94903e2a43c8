import json
from pathlib import Path

import pytest

from convert.evaluation.annotations import load_data
from edge_retinaface.errors import DataError

POINTS = [[1, 2], [3, 2], [2, 3], [1, 4], [3, 4]]


def write(folder: Path, *entries: dict[str, object]) -> Path:
    for entry in entries:
        (folder / str(entry["file"])).touch()
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


def test_an_empty_folder_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wanted wider_face_val\.mat, annotations\.json or VOC files") as error:
        load_data(tmp_path)
    assert error.value.exit_code == 65
    with pytest.raises(DataError, match="found nothing there") as error:
        load_data(tmp_path / "none")
    assert error.value.exit_code == 74


def test_a_list_of_no_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wanted pictures, found none of the 0 annotated ones"):
        load_data(write(tmp_path))


def test_boxes_and_faces_that_count_are_read_from_json(tmp_path: Path) -> None:
    boxes = [[1, 2, 10, 20], [5, 5, 4, 4]]
    entry = {"file": "a.jpg", "width": 64, "height": 48, "boxes_xywh": boxes, "easy": [], "medium": [2], "hard": [1, 2]}
    data = load_data(write(tmp_path, entry))
    (one,) = data.pictures
    assert (data.kind, data.settings, data.absent, one.size_hw) == ("json", ("easy", "medium", "hard"), 0, (48, 64))
    assert one.boxes.tolist() == [[1, 2, 11, 22], [5, 5, 9, 9]]
    assert {name: flags.tolist() for name, flags in one.counts.items()} == {
        "easy": [False, False],
        "medium": [False, True],
        "hard": [True, True],
    }
    assert one.landmarks is None


def test_faces_with_points_are_read_and_all_of_them_count(tmp_path: Path) -> None:
    face = {"left": 1, "top": 2, "width": 3, "height": 4}
    data = load_data(write(tmp_path, {"file": "a.jpg", "faces": [{**face, "pts5": POINTS}, face]}) / "annotations.json")
    (one,) = data.pictures
    assert one.boxes.tolist() == [[1, 2, 4, 6]] * 2
    assert one.counts["all"].tolist() == [True, True]
    assert one.landmarks is not None
    assert one.landmarks[0].tolist() == POINTS
    assert str(one.landmarks[1, 0, 0]) == "nan"


def test_a_picture_without_faces_is_a_picture(tmp_path: Path) -> None:
    (one,) = load_data(write(tmp_path, {"file": "a.jpg"})).pictures
    assert one.boxes.shape == (0, 4)


def test_absent_pictures_are_counted_and_said(tmp_path: Path) -> None:
    write(tmp_path, {"file": "a.jpg"}, {"file": "b.jpg"})
    (tmp_path / "b.jpg").unlink()
    data = load_data(tmp_path)
    assert (len(data.pictures), data.absent, data.remark) == (1, 1, "1 of 2 annotated pictures")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"file": "a.jpg", "easy": [], "medium": [], "hard": []}, {"file": "b.jpg"}], "of every picture or of none"),
        ([{"file": "a.jpg", "easy": [1], "medium": [], "hard": []}], "wanted face numbers 1 to 0, found 1 to 1"),
        ([{"file": "a.jpg", "boxes_xywh": [[1, 2, 3]]}], "wanted a list of annotated pictures, found"),
        ([{"file": "a.jpg", "boxes_xywh": [[1, 2, -3, 4]]}], "face 1 has a negative width or height"),
    ],
)
def test_annotations_that_contradict_themselves_are_refused(
    tmp_path: Path, entries: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write(tmp_path, *entries))
