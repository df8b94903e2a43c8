"""What is right: annotations, or where there are none what the float network says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.dataset import ALL, Dataset, Picture
from convert.evaluation.prediction import Predictions, Subject, predict
from convert.progress import watch
from edge_retinaface.data import U8
from edge_retinaface.images import read_image


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Pictures with faces."""

    data: Dataset
    pixels: tuple[U8, ...]  # of the pictures, where they are no files
    remark: str  # what a reader of figures on them must know

    @property
    def annotated(self) -> bool:
        """Whether people drew the boxes, not the float network."""
        return not self.pixels

    def predictions(self, subject: Subject, what: str) -> Predictions:
        """The subject's detections, picture by picture; `what` names the progress bar."""
        total = len(self.data.pictures)
        if self.annotated:
            return tuple(watch(predict(subject, self.data.pictures), what, total))
        return tuple(watch(map(subject.detect, self.pixels), what, total))

    def picture(self, number: int) -> U8:
        """uint8 (height, width, 3), BGR."""
        return self.pixels[number] if self.pixels else read_image(self.data.pictures[number].path)


def annotated_truth(data: Dataset) -> Truth:
    """As the data set has it."""
    return Truth(data, (), f"annotated faces, {data.remark}")


def float_truth(pixels: Sequence[U8], found: Predictions, origin: str) -> Truth:
    """The float network's own faces, those at the operating point: its average precision is 1 by construction."""
    pictures = []
    for number, one in enumerate(found):
        sure = one.scores >= OPERATING_SCORE
        boxes = one.boxes[sure].astype(np.float64)
        landmarks = one.landmarks[sure].astype(np.float64)
        name = f"{number:04}"
        pictures.append(Picture(Path(name), name, boxes, {ALL: np.ones(len(boxes), np.bool_)}, landmarks))
    faces = sum(len(one.boxes) for one in pictures)
    remark = f"no annotations: the float network's own {faces} faces on {len(pictures)} {origin} count as the truth"
    return Truth(Dataset("json", Path("float"), tuple(pictures), 0), tuple(pixels), remark)
