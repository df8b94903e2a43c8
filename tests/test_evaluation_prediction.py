import hashlib
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from evaluation_cases import detections

from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.dataset import ALL, Picture
from convert.evaluation.prediction import Predictions, Subject, open_model
from convert.evaluation.prediction import predict as predict_each
from edge_retinaface.data import U8, Detections
from edge_retinaface.errors import DataError, ImageError
from edge_retinaface.model_file import read_model, write_model


class Looker:
    """Says that the whole picture is a face, and counts how often it was asked."""

    def __init__(self, stop_at: int = 10**9) -> None:
        self.looks = 0
        self.stop_at = stop_at

    def __call__(self, pixels: U8) -> Detections:
        if self.looks == self.stop_at:
            raise KeyboardInterrupt
        self.looks += 1
        height, width = pixels.shape[:2]
        return detections((0, 0, width, height, 0.9), (0, 0, 1 / 3, 1, 0.1))

    def subject(self, **identity: object) -> Subject:
        return Subject("looker", self, {"input_hw": (480, 640), **identity})


def predict(subject: Subject, pictures: list[Picture], folder: Path | None = None) -> Predictions:
    return tuple(predict_each(subject, pictures, folder))


def pictures_in(folder: Path, count: int = 4) -> list[Picture]:
    pictures = []
    for number in range(count):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.full((20 + number, 30, 3), number, np.uint8))
        pictures.append(Picture(path, path.name, np.zeros((0, 4)), {ALL: np.zeros(0, np.bool_)}))
    return pictures


def test_no_pictures_are_no_predictions(tmp_path: Path) -> None:
    assert predict(Looker().subject(), [], tmp_path) == ()


def test_detections_come_in_the_order_of_the_pictures(tmp_path: Path) -> None:
    found = predict(Looker().subject(), pictures_in(tmp_path))
    assert [float(one.boxes[0, 3]) for one in found] == [20, 21, 22, 23]


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pictures, kept = pictures_in(tmp_path), tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        predict(Looker(stop_at=3).subject(), pictures, kept)
    second = Looker()
    resumed = predict(second.subject(), pictures, kept)
    assert second.looks == 1
    for one, other in zip(resumed, predict(Looker().subject(), pictures), strict=True):
        assert np.array_equal(one.boxes, other.boxes)
        assert np.array_equal(one.scores, other.scores)
        assert np.array_equal(one.landmarks, other.landmarks)


@pytest.mark.parametrize("change", [{"sha256": "other"}, {"input_hw": (320, 320)}, {"min_score": 0.5}])
def test_another_model_size_or_setting_looks_again(tmp_path: Path, change: dict[str, object]) -> None:
    pictures, kept = pictures_in(tmp_path), tmp_path / "kept"
    predict(Looker().subject(), pictures, kept)
    other = Looker()
    predict(other.subject(**change), pictures, kept)
    assert other.looks == 4


def test_a_picture_without_faces_is_kept_too(tmp_path: Path) -> None:
    pictures = pictures_in(tmp_path, 1)
    subject = Subject("blind", lambda _: Detections.none(), {})
    assert len(predict(subject, pictures, tmp_path / "kept")[0]) == 0
    assert len(predict(Subject("other", Looker(stop_at=0), {}), pictures, tmp_path / "kept")[0]) == 0


def test_a_folder_that_takes_no_files_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(DataError, match=r"identity\.json: cannot be written: ") as error:
        predict(Looker().subject(), pictures_in(tmp_path, 1), tmp_path / "kept")
    assert error.value.exit_code == 74


def test_a_changed_picture_and_a_damaged_file_are_looked_at_again(tmp_path: Path) -> None:
    pictures, kept = pictures_in(tmp_path), tmp_path / "kept"
    predict(Looker().subject(), pictures, kept)
    cv2.imwrite(str(pictures[0].path), np.full((99, 30, 3), 7, np.uint8))
    (damaged,) = kept.glob(f"*/{hashlib.sha256(pictures[1].path.read_bytes()).hexdigest()}.msgpack")
    damaged.write_bytes(damaged.read_bytes()[:-5])
    again = Looker()
    found = predict(again.subject(), pictures, kept)
    assert float(found[0].boxes[0, 3]) == 99
    assert again.looks == 2
    assert predict(Looker(stop_at=0).subject(), pictures, kept)[0].boxes[0, 3] == 99


def test_a_picture_that_is_missing_or_no_picture_is_named(tmp_path: Path) -> None:
    (missing,) = pictures_in(tmp_path, 1)
    missing.path.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"0\.png: wanted a picture"):
        predict(Looker().subject(), [missing], tmp_path / "kept")
    missing.path.unlink()
    with pytest.raises(ImageError, match=r"0\.png: wanted a .*found: No such file") as error:
        predict(Looker().subject(), [missing], tmp_path / "kept")
    assert error.value.exit_code == 74


def test_a_picture_of_another_size_than_annotated_is_refused(tmp_path: Path) -> None:
    (one,) = pictures_in(tmp_path, 1)
    rotated = Picture(one.path, one.name, one.boxes, one.counts, size_hw=(30, 20))
    with pytest.raises(DataError, match=r"annotated as 30x20 .*found 20x30"):
        predict(Looker().subject(), [rotated])


def test_a_model_is_cut_where_its_card_says_when_it_is_compared(default_model: Path, tmp_path: Path) -> None:
    whole, path = read_model(default_model), tmp_path / "m.tflite"
    for on_card, wanted in ((0.42, 0.42), (None, OPERATING_SCORE)):
        write_model(path, whole.flatbuffer, msgspec.structs.replace(whole.card, threshold=on_card))
        assert open_model(path).operating_score == wanted
