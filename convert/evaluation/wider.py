"""The official WIDER FACE ground truth, joined with whatever part of the pictures is present."""

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from convert.evaluation.dataset import Dataset, Flags, Picture, Present, boxes_from_xywh
from edge_retinaface.errors import UNREADABLE, DataError
from edge_retinaface.files import read_file

FACES_FILE = "wider_face_val.mat"
LIST_FILE = "wider_{}_val.mat"
SETTINGS = ("easy", "medium", "hard")
PICTURE_FOLDERS = ("WIDER_val/images", "images", ".")  # as the archive unpacks, and what people make of it
NOT_MATLAB = (
    ArithmeticError,
    LookupError,
    MatReadError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
    zlib.error,
)

Cells = list[list[Any]]  # by event, then by picture


def load_wider(ground_truth: Path) -> Dataset:
    """Pictures that are present under the folder above `ground_truth`, in the order of the ground truth.

    `ground_truth` holds wider_face_val.mat and the easy, medium and hard lists; without a picture it is a DataError.
    """
    faces = _read(ground_truth / FACES_FILE, "event_list", "file_list", "face_bbx_list")
    names = [[str(name[0]) for name in event] for event in faces["file_list"]]
    events = [str(event[0]) for event in faces["event_list"]]
    boxes = _fitting(ground_truth / FACES_FILE, faces["face_bbx_list"], names)
    lists = {}
    for setting in SETTINGS:
        path = ground_truth / LIST_FILE.format(setting)
        lists[setting] = _fitting(path, _read(path, "gt_list")["gt_list"], names)
    images = _images(ground_truth.parent, events)
    pictures, present = [], {}
    for number, event in enumerate(events):
        here = {path.stem: path for path in (images / event).glob("*.jpg")}
        places = [place for place, name in enumerate(names[number]) if name in here]
        present[event] = Present(len(places), len(names[number]))
        for place in places:
            path, corners = here[names[number][place]], boxes_from_xywh(boxes[number][place])
            counts = {
                setting: flags(rows[number][place], len(corners), f"{LIST_FILE.format(setting)}, {event}/{path.stem}")
                for setting, rows in lists.items()
            }
            pictures.append(Picture(path, f"{event}/{path.name}", corners, counts, event=event))
    absent = sum(counted.of - counted.pictures for counted in present.values())
    some = {event: counted for event, counted in present.items() if counted.pictures}
    return Dataset("wider", ground_truth, tuple(pictures), absent, some)


def flags(numbers: Any, faces: int, where: str) -> Flags:  # noqa: ANN401 - a MATLAB matrix or a list from JSON
    """Bool (faces,): which faces a list of their numbers, counted from 1, names."""
    rows = np.asarray(numbers, np.intp).reshape(-1) - 1
    if len(rows) and not 0 <= rows.min() <= rows.max() < faces:
        raise DataError(f"{where}: wanted face numbers 1 to {faces}, found {rows.min() + 1} to {rows.max() + 1}")
    named = np.zeros(faces, np.bool_)
    named[rows] = True
    return named


def _images(root: Path, events: list[str]) -> Path:
    for folder in PICTURE_FOLDERS:
        if any((root / folder / event).is_dir() for event in events):
            return root / folder
    raise DataError(f"{root}: wanted pictures in {PICTURE_FOLDERS[0]}/{events[0]} and so on, found no such folder")


def _read(path: Path, *names: str) -> dict[str, Cells]:
    """The named cell arrays as lists of lists."""
    wanted = f"{path}: wanted a MATLAB file of the WIDER FACE ground truth"
    try:
        content = read_file(path)
    except OSError as error:
        raise DataError(f"{wanted}, found: {error.strerror}", exit_code=UNREADABLE) from error
    try:
        found = loadmat(io.BytesIO(content), variable_names=names)
        return {name: [list(np.ravel(event)) for event in found[name][:, 0]] for name in names}
    except NOT_MATLAB as error:
        raise DataError(f"{wanted} with {', '.join(names)}, found another or a damaged one ({error})") from error


def _fitting(path: Path, cells: Cells, names: list[list[str]]) -> Cells:
    if list(map(len, cells)) != list(map(len, names)):
        raise DataError(f"{path}: wanted an entry for every picture of {FACES_FILE}, found another number")
    return cells
