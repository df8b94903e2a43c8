"""Annotated pictures from disk, recognised by what is there: WIDER FACE, PASCAL VOC or JSON."""

from pathlib import Path

import msgspec
import numpy as np

from convert.evaluation.dataset import ALL, Dataset, Flags, Picture, boxes_from_xywh, checked
from convert.evaluation.voc import load_voc
from convert.evaluation.wider import FACES_FILE, SETTINGS, flags, load_wider
from edge_retinaface.errors import UNREADABLE, DataError
from edge_retinaface.files import read_file

JSON_NAME = "annotations.json"
Point = tuple[float, float]


class Face(msgspec.Struct):
    """One face of a JSON file."""

    left: float  # pixels, as all of these
    top: float
    width: float
    height: float
    pts5: tuple[Point, Point, Point, Point, Point] | None = None  # image-left eye first, as in LANDMARK_NAMES


class Entry(msgspec.Struct):
    """One picture of a JSON file: `boxes_xywh` with numbers of the faces that count, or `faces`."""

    file: str  # path from the JSON file's folder
    width: int | None = None
    height: int | None = None
    boxes_xywh: list[tuple[float, float, float, float]] = []
    easy: list[int] | None = None  # numbers of faces, counted from 1
    medium: list[int] | None = None
    hard: list[int] | None = None
    faces: list[Face] = []


def load_data(path: Path) -> Dataset:
    """The annotated pictures under a folder, or of one JSON file; DataError says what was wanted and found.

    Looked for, in this order: the WIDER FACE ground truth (here or in ground_truth/), annotations.json, PASCAL VOC
    files (in Annotations/ or here). Pictures that are not there are left out and counted.
    """
    data = _load(path)
    if not data.pictures:
        raise DataError(f"{data.source}: wanted pictures, found none of the {data.absent} annotated ones")
    return data


def _load(path: Path) -> Dataset:
    if not path.exists():
        raise DataError(f"{path}: wanted annotated pictures, found nothing there", exit_code=UNREADABLE)
    if path.is_file():
        return _load_json(path)
    for ground_truth in (path, path / "ground_truth"):
        if (ground_truth / FACES_FILE).is_file():
            return load_wider(ground_truth)
    if (path / JSON_NAME).is_file():
        return _load_json(path / JSON_NAME)
    for folder in (path / "Annotations", path):
        if files := sorted(folder.glob("*.xml")):
            return load_voc(folder, files)
    raise DataError(f"{path}: wanted {FACES_FILE}, {JSON_NAME} or VOC files (Annotations/*.xml), found none of them")


def _load_json(path: Path) -> Dataset:
    wanted = f"{path}: wanted a list of annotated pictures"
    try:
        entries = msgspec.json.decode(read_file(path), type=list[Entry])
    except OSError as error:
        raise DataError(f"{wanted}, found: {error.strerror}", exit_code=UNREADABLE) from error
    except msgspec.MsgspecError as error:
        raise DataError(f"{wanted}, found: {error}") from error
    graded = {entry.easy is not None and entry.medium is not None and entry.hard is not None for entry in entries}
    if graded == {True, False}:
        raise DataError(f"{path}: wanted easy, medium and hard of every picture or of none, found both")
    pictures = [_json_picture(path, entry, graded=True in graded) for entry in entries]
    here = tuple(picture for picture in pictures if picture.path.is_file())
    return Dataset("json", path, here, len(pictures) - len(here))


def _json_picture(source: Path, entry: Entry, *, graded: bool) -> Picture:
    where = f"{source}, {entry.file}"
    boxes = boxes_from_xywh(
        [*entry.boxes_xywh, *((face.left, face.top, face.width, face.height) for face in entry.faces)]
    )
    counts: dict[str, Flags] = {ALL: np.ones(len(boxes), np.bool_)}
    if graded:
        counts = {name: flags(getattr(entry, name), len(boxes), where) for name in SETTINGS}
    points = None
    if any(face.pts5 for face in entry.faces):
        unknown = np.full((5, 2), np.nan)
        points = np.array(
            [unknown] * len(entry.boxes_xywh) + [face.pts5 or unknown for face in entry.faces], np.float64
        )
    size = (entry.height, entry.width) if entry.height is not None and entry.width is not None else None
    return Picture(source.parent / entry.file, entry.file, checked(boxes, where), counts, points, size)
