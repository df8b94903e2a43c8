from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_retinaface import Frame, RetinaFace, detect_faces, extract_faces
from edge_retinaface.errors import ConfigError, DelegateError, ImageError, ModelError
from edge_retinaface.images import read_image
from edge_retinaface.model_file import read_model, write_model
from edge_retinaface.preprocess import Fitter
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert


@pytest.fixture(scope="module")
def detector(default_model: Path) -> RetinaFace:
    return RetinaFace(default_model)


def test_a_grey_picture_has_no_faces(detector: RetinaFace) -> None:
    found = detector(np.full((300, 400, 3), 128, np.uint8))
    assert (found.boxes.shape, found.scores.shape, found.landmarks.shape) == ((0, 4), (0,), (0, 5, 2))
    assert len(found) == 0


def test_a_file_and_its_pixels_give_the_same_faces(detector: RetinaFace, astronaut: Path) -> None:
    from_file, from_pixels = detector(astronaut), detector(read_image(astronaut))
    assert from_file.boxes.tolist() == from_pixels.boxes.tolist()
    assert len(from_file) == 1


def test_landmarks_lie_in_the_box_and_in_their_order(detector: RetinaFace, astronaut: Path) -> None:
    found = detector(astronaut)
    x1, y1, x2, y2 = found.boxes[0]
    right_eye, left_eye, nose, mouth_right, mouth_left = found.landmarks[0]
    assert ((found.landmarks[0] > [x1, y1]) & (found.landmarks[0] < [x2, y2])).all()
    assert right_eye[0] < nose[0] < left_eye[0]
    assert mouth_right[0] < mouth_left[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth_right[1], mouth_left[1])


def test_a_frame_in_rgb_gives_what_bgr_gives(detector: RetinaFace, astronaut: Path) -> None:
    pixels = read_image(astronaut)
    rgb = Frame(np.ascontiguousarray(pixels[..., ::-1]), "RGB", 0, 0)
    assert detector.detect(rgb).boxes.tolist() == detector(pixels).boxes.tolist()


def test_boxes_are_in_the_pixels_of_the_picture_whatever_its_size(detector: RetinaFace, astronaut: Path) -> None:
    pixels = read_image(astronaut)
    wide = np.zeros((1024, 2048, 3), np.uint8)
    wide[512:, 1024:1536] = pixels
    (box,) = detector(wide).boxes
    (alone,) = detector(pixels).boxes
    np.testing.assert_allclose(box - [1024, 512, 1024, 512], alone, atol=12)


def test_a_frame_scaled_ahead_has_the_same_faces_and_for_another_input_nearly_the_same(
    detector: RetinaFace, astronaut: Path
) -> None:
    whole = np.ascontiguousarray(np.tile(read_image(astronaut), (2, 3, 1)))  # 1024x1536
    fit_hw = detector.fit_hw
    assert fit_hw == (480, 640)
    wanted = detector(whole)
    assert len(wanted) == 6
    found = detector.detect(Frame(Fitter().fit(whole, fit_hw), "BGR", 0, 0, scaled_from=(1024, 1536)))
    for part in ("boxes", "scores", "landmarks"):
        assert (getattr(found, part) == getattr(wanted, part)).all()
    again = detector.detect(Frame(Fitter().fit(whole, (360, 480)), "BGR", 0, 0, scaled_from=(1024, 1536)))
    assert len(again) == 6
    distance = np.abs(again.boxes[:, None] - wanted.boxes).max(-1)
    assert (distance.min(0) < 12).all()  # of some 100 that a face has


def test_a_box_never_leaves_the_picture(detector: RetinaFace, astronaut: Path) -> None:
    pixels = read_image(astronaut)[90:, 190:]  # the face is cut above and on the left
    for box in detector(pixels).boxes:
        assert (box >= 0).all()
        assert (box <= [pixels.shape[1], pixels.shape[0]] * 2).all()


def test_a_tiny_and_a_huge_picture_are_handled(detector: RetinaFace) -> None:
    assert len(detector(np.zeros((1, 1, 3), np.uint8))) == 0
    assert len(detector(np.zeros((3000, 17, 3), np.uint8))) == 0
    assert len(detector(np.zeros((4000, 6000), np.uint8))) == 0


def test_the_stages_of_the_latest_call_are_timed(detector: RetinaFace, astronaut: Path) -> None:
    detector(astronaut)
    assert min(detector.stages) > 0
    assert detector.stages.invoke_ns == max(detector.stages)


def test_the_retina_face_view_has_whole_pixels_and_named_points(detector: RetinaFace, astronaut: Path) -> None:
    faces = detect_faces(astronaut, threshold=0.9, model=detector)
    assert list(faces) == ["face_1"]
    assert set(faces["face_1"]) == {"score", "facial_area", "landmarks"}
    assert all(isinstance(side, int) for side in faces["face_1"]["facial_area"])
    assert set(faces["face_1"]["landmarks"]) == {"right_eye", "left_eye", "nose", "mouth_right", "mouth_left"}
    assert detector.min_score == 0.5


def test_crops_are_upright_and_112_pixels_square(detector: RetinaFace, astronaut: Path) -> None:
    upright = extract_faces(astronaut, model=detector)
    turned = extract_faces(np.rot90(read_image(astronaut), 0).copy(), model=detector)
    assert [crop.shape for crop in upright] == [(112, 112, 3)]
    assert (upright[0] == turned[0]).all()
    assert extract_faces(astronaut, model=detector, align=False)[0].shape[0] > 100


def test_settings_outside_their_range_are_refused(default_model: Path) -> None:
    with pytest.raises(ConfigError, match="min_score: wanted a number from 0 to 1, found 2"):
        RetinaFace(default_model, min_score=2)
    for threads in (0, 100_000):
        with pytest.raises(ConfigError, match=f"threads: wanted 1 to 64, found {threads}"):
            RetinaFace(default_model, threads=threads)


def test_a_delegate_that_is_not_there_is_named(default_model: Path) -> None:
    with pytest.raises(DelegateError, match=r"/nowhere\.so: wanted a delegate library"):
        RetinaFace(default_model, delegate="/nowhere.so")


def test_something_that_is_no_picture_is_refused(detector: RetinaFace) -> None:
    with pytest.raises(ImageError, match="wanted an array"):
        detector(np.zeros((10, 10, 3)))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"outputs": ()}, "wanted an output boxes at stride 8"),
        ({"spec": ModelSpec((640, 640))}, r"wanted one input of shape \(1, 640, 640, 3\).*found \(1, 480, 640, 3\)"),
        ({"spec": ModelSpec((480, 640), mean=(128.0, 128.0, 128.0))}, "scale and zero point"),
    ],
)
def test_a_card_that_does_not_fit_its_network_is_refused(
    default_model: Path, tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    model = read_model(default_model)
    path = tmp_path / "wrong.tflite"
    write_model(path, model.flatbuffer, msgspec.structs.replace(model.card, **change))
    with pytest.raises(ModelError, match=complaint):
        RetinaFace(path)


def test_the_models_own_threshold_counts_where_the_caller_gives_none(default_model: Path, tmp_path: Path) -> None:
    whole, path = read_model(default_model), tmp_path / "m.tflite"
    for on_card, given, wanted in ((0.42, None, 0.42), (0.42, 0.6, 0.6), (0.42, 0.0, 0.0), (None, None, 0.5)):
        write_model(path, whole.flatbuffer, msgspec.structs.replace(whole.card, threshold=on_card))
        assert RetinaFace(path, min_score=given).min_score == wanted
