"""PASCAL VOC annotations: one XML file a picture."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from convert.evaluation.dataset import ALL, Dataset, Picture, checked
from edge_retinaface.errors import UNREADABLE, DataError
from edge_retinaface.files import read_file

FACE = "face"


def load_voc(folder: Path, files: list[Path]) -> Dataset:
    """The pictures of `files` that are present in JPEGImages/ or images/ beside `folder`, or in it.

    Objects named face are the faces; where no file names one, every object is. A difficult one is ignored. Corners are
    taken as written.
    """
    roots = [_parse(file) for file in files]
    labels = Counter(_label(each) for root in roots for each in root.iter("object"))
    wanted = {FACE} if FACE in labels else set(labels)
    pictures = [_picture(file, root, wanted) for file, root in zip(files, roots, strict=True)]
    here = tuple(picture for picture in pictures if picture.path.is_file())
    taken = {label: labels[label] for label in sorted(wanted)}
    return Dataset("voc", folder, here, len(pictures) - len(here), labels=taken)


def _parse(file: Path) -> ET.Element:
    try:
        return ET.fromstring(read_file(file))  # noqa: S314 - expat has limited entity expansion since 2.4.1
    except OSError as error:
        raise DataError(
            f"{file}: wanted a PASCAL VOC annotation, found: {error.strerror}", exit_code=UNREADABLE
        ) from error
    except ET.ParseError as error:
        raise DataError(f"{file}: wanted a PASCAL VOC annotation, found: {error}") from error


def _picture(file: Path, root: ET.Element, wanted: set[str]) -> Picture:
    faces = [each for each in root.iter("object") if _label(each) in wanted]
    try:
        corners = [[_number(each, f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")] for each in faces]
        size = None if root.find("size") is None else (_side(root, "height"), _side(root, "width"))
    except ValueError as error:
        raise DataError(f"{file}: wanted a PASCAL VOC annotation, found: {error}") from error
    counts = {ALL: np.array([each.findtext("difficult", "0").strip() != "1" for each in faces], np.bool_)}
    name = root.findtext("filename") or f"{file.stem}.jpg"
    folders = (file.parent.parent / "JPEGImages", file.parent.parent / "images", file.parent)
    path = next((folder / name for folder in folders if (folder / name).is_file()), folders[0] / name)
    boxes = checked(np.array(corners, np.float64).reshape(-1, 4), file)
    # some tools write 0 by 0 where they did not look
    return Picture(path, name, boxes, counts, size_hw=size if size and all(size) else None)


def _label(each: ET.Element) -> str:
    return each.findtext("name", "").strip().lower()


def _side(root: ET.Element, name: str) -> int:
    return round(_number(root, f"size/{name}"))


def _number(element: ET.Element, path: str) -> float:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"no {path}")
    return float(text)
