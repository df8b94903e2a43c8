from pathlib import Path

import pytest

from convert.evaluation.annotations import load_data
from edge_retinaface.errors import DataError

BOX = "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30.5</xmax><ymax>60</ymax></bndbox>"


def write(folder: Path, name: str, *objects: str, size: str = "") -> None:
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "JPEGImages").mkdir(exist_ok=True)
    (folder / "JPEGImages" / f"{name}.jpg").touch()
    text = "".join(f"<object>{each}</object>" for each in objects)
    xml = f"<annotation><filename>{name}.jpg</filename>{size}{text}</annotation>"
    (folder / "Annotations" / f"{name}.xml").write_text(xml)


def test_a_picture_without_objects_has_no_faces(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (one,) = load_data(tmp_path).pictures
    assert one.boxes.shape == (0, 4)
    assert one.counts["all"].shape == (0,)


def test_corners_are_taken_as_written_and_difficult_faces_ignored(tmp_path: Path) -> None:
    size = "<size><width>640</width><height>480</height><depth>3</depth></size>"
    write(tmp_path, "a", f"<name>face</name>{BOX}", f"<name>Face</name><difficult>1</difficult>{BOX}", size=size)
    data = load_data(tmp_path)
    (one,) = data.pictures
    assert (data.kind, data.settings, one.name, one.size_hw) == ("voc", ("all",), "a.jpg", (480, 640))
    assert one.boxes.tolist() == [[10, 20, 30.5, 60]] * 2
    assert one.counts["all"].tolist() == [True, False]


def test_objects_beside_faces_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a", f"<name>face</name>{BOX}", f"<name>dog</name>{BOX}")
    write(tmp_path, "b", f"<name>dog</name>{BOX}")
    data = load_data(tmp_path)
    assert [len(one.boxes) for one in data.pictures] == [1, 0]
    assert data.labels == {"face": 1}


def test_where_nothing_is_named_face_every_object_is_one_and_the_names_are_told(tmp_path: Path) -> None:
    write(
        tmp_path, "a", f"<name>with_mask</name>{BOX}", f"<name>without_mask</name>{BOX}", f"<name>with_mask</name>{BOX}"
    )
    assert load_data(tmp_path).labels == {"with_mask": 2, "without_mask": 1}


def test_a_size_of_0_means_that_nobody_looked(tmp_path: Path) -> None:
    write(tmp_path, "a", size="<size><width>0</width><height>0</height></size>")
    assert load_data(tmp_path).pictures[0].size_hw is None


def test_pictures_may_lie_beside_their_annotations(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(f"<annotation><filename>a.png</filename><object>{BOX}</object></annotation>")
    (tmp_path / "a.png").touch()
    assert load_data(tmp_path).pictures[0].path == tmp_path / "a.png"


def test_absent_pictures_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    (tmp_path / "JPEGImages" / "b.jpg").unlink()
    assert load_data(tmp_path).absent == 1


@pytest.mark.parametrize(
    ("each", "message"),
    [
        ("<name>face</name>", "no bndbox/xmin"),
        (f"<name>face</name>{BOX.replace('10', 'ten')}", "could not convert string to float: 'ten'"),
        (f"<name>face</name>{BOX.replace('10', '100')}", "face 1 has a negative width or height"),
        ("<name>face</nam>", "mismatched tag"),
    ],
)
def test_a_damaged_annotation_is_named(tmp_path: Path, each: str, message: str) -> None:
    write(tmp_path, "a", each)
    with pytest.raises(DataError, match=rf"a\.xml: .*{message}"):
        load_data(tmp_path)
