"""What a detector says about every picture, kept on disk so that an interrupted run goes on."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.dataset import Picture
from convert.evaluation.files import write_whole
from edge_retinaface import __version__
from edge_retinaface.data import U8, Detections
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import UNREADABLE, DataError, ImageError
from edge_retinaface.files import read_file
from edge_retinaface.images import read_image
from edge_retinaface.model_file import read_model

MIN_SCORE = 0.02  # where the RetinaFace papers and repositories cut for WIDER FACE: lower only adds false alarms
MAX_IOU = 0.4

Predictions = tuple[Detections, ...]  # in the order of the data set's pictures


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A detector under evaluation: any callable from a picture to its faces, and what tells it from another."""

    name: str
    detect: Callable[[U8], Detections]  # uint8 (height, width, 3), BGR
    identity: dict[str, Any]  # plain values that change whenever the detections might: digest, input size, settings
    operating_score: float = OPERATING_SCORE  # where it is cut in use


class _Kept(msgspec.Struct, array_like=True):
    """One picture's detections in a file."""

    boxes: bytes  # float32, as in Detections
    scores: bytes
    landmarks: bytes


def predict(subject: Subject, pictures: Sequence[Picture], folder: Path | None = None) -> Iterator[Detections]:
    """Detections of one picture after the other.

    With `folder`, each picture's detections are kept there under the subject's identity and the picture's content, and
    taken from there the next time. A picture that cannot be read is an ImageError, one of another size than annotated
    a DataError: a figure without it would be a figure of something else.
    """
    store = _open_store(folder, subject) if folder else None
    for picture in pictures:
        if store is None:
            yield subject.detect(_pixels(picture))
        else:
            kept = store / f"{_digest(picture.path)}.msgpack"
            detections = _load(kept)
            yield _save(kept, subject.detect(_pixels(picture))) if detections is None else detections


def open_model(path: Path, *, min_score: float = MIN_SCORE, max_iou: float = MAX_IOU, threads: int = 1) -> Subject:
    """A model file as a subject. Errors: ModelError, ConfigError."""
    detector = RetinaFace(path, min_score=min_score, max_iou=max_iou, threads=threads)
    identity = {
        "sha256": _digest(path),  # of the whole file: the card decides how outputs become boxes
        "input_hw": detector.input_hw,
        "min_score": min_score,
        "max_iou": max_iou,
        "versions": _versions(),
    }
    own = read_model(path).card.threshold
    return Subject(detector.model_name, detector, identity, OPERATING_SCORE if own is None else own)


def _versions() -> dict[str, str]:
    """Of everything between picture file and box, as far as it is installed."""
    installed = {"edge-retinaface": __version__}
    for name in ("ai-edge-litert", "tflite-runtime", "opencv-python-headless"):
        with suppress(PackageNotFoundError):
            installed[name] = version(name)
    return installed


def _open_store(folder: Path, subject: Subject) -> Path:
    identity = msgspec.json.encode(subject.identity, order="sorted")
    store = folder / hashlib.sha256(identity).hexdigest()[:16]
    write_whole(store / "identity.json", msgspec.json.format(identity))
    return store


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except OSError as error:
        raise ImageError(f"{path}: wanted a file, found: {error.strerror}", exit_code=UNREADABLE) from error


def _pixels(picture: Picture) -> U8:
    pixels = read_image(picture.path)
    if picture.size_hw is not None and picture.size_hw != pixels.shape[:2]:
        wanted, found = ("x".join(str(side) for side in size) for size in (picture.size_hw, pixels.shape[:2]))
        raise DataError(f"{picture.path}: annotated as {wanted} pixels (height x width), found {found}")
    return pixels


def _load(path: Path) -> Detections | None:
    """None where there is no file, or a damaged one: the picture is then looked at again."""
    try:
        kept = msgspec.msgpack.decode(path.read_bytes(), type=_Kept)
        scores = np.frombuffer(kept.scores, np.float32)
        boxes = np.frombuffer(kept.boxes, np.float32).reshape(len(scores), 4)
        return Detections(boxes, scores, np.frombuffer(kept.landmarks, np.float32).reshape(len(scores), 5, 2))
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def _save(path: Path, detections: Detections) -> Detections:
    arrays = (detections.boxes, detections.scores, detections.landmarks)
    write_whole(path, msgspec.msgpack.encode(_Kept(*(np.asarray(array, np.float32).tobytes() for array in arrays))))
    return detections
