import json
from pathlib import Path

import pytest
from evaluation_cases import dataset, detections, picture
from rich.console import Console

from convert.evaluation.comparison import compare
from convert.evaluation.dataset import Dataset, Present
from convert.evaluation.evaluation import evaluate
from convert.evaluation.plot import plot_curves
from convert.evaluation.prediction import Predictions, Subject
from convert.evaluation.report import Report, to_json, to_text
from edge_retinaface.data import Detections
from edge_retinaface.errors import UsageError

FLOAT = Subject("float-model", lambda _: Detections.none(), {"sha256": "f" * 64, "input_hw": (480, 640)})
INT8 = Subject("int8-model", lambda _: Detections.none(), {"sha256": "8" * 64, "input_hw": (480, 640)})
FOUND = (detections((0, 0, 10, 10, 0.9), (20, 0, 30, 10, 0.8)), Detections.none())
HALF = (detections((0, 0, 10, 10, 0.9)), Detections.none())


def faces(kind: str = "json") -> Dataset:
    pictures = dataset(picture((0, 0, 10, 10), (20, 0, 30, 10), points5=True), picture()).pictures
    if kind == "wider":
        return Dataset("wider", Path("ground_truth"), pictures, 3224, {"0--Parade": Present(2, 115)})
    return Dataset("voc", Path("Annotations"), pictures, 1, labels={"face": 2})


def report(data: Dataset, predictions: Predictions = FOUND, reference: Predictions | None = None) -> Report:
    evaluation = evaluate(INT8, data, predictions)
    if reference is None:
        return Report(evaluation)
    comparison = compare(FLOAT, INT8, data, (reference, predictions))
    return Report(evaluation, evaluate(FLOAT, data, reference), comparison)


def text(of: Report) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(to_text(of))
    return capture.get()


def test_nothing_found_is_a_report_too(tmp_path: Path) -> None:
    empty = report(faces(), (Detections.none(), Detections.none()))
    assert json.loads(to_json(empty))["evaluation"]["precision"]["plain"]["all"]["ap"] == {"value": 0.0, "sd": 0.0}
    assert "int8-model │ 0 of 2      │ -" in text(empty)
    plot_curves(tmp_path / "empty.png", empty)


def test_json_says_what_was_measured_on_what_and_with_what() -> None:
    content = json.loads(to_json(report(faces("wider"))))
    evaluation = content["evaluation"]
    assert (content["reference"], content["comparison"]) == (None, None)
    assert (evaluation["schema"], evaluation["subject"], evaluation["identity"]["sha256"]) == (
        1,
        "int8-model",
        "8" * 64,
    )
    assert (evaluation["pictures"], evaluation["absent"], evaluation["faces"], evaluation["detections"]) == (
        2,
        3224,
        2,
        2,
    )
    assert "not the official" in evaluation["remark"]
    assert evaluation["events"] == {"0--Parade": {"pictures": 2, "of": 115}}
    assert list(evaluation["precision"]) == ["wider", "plain"]
    assert evaluation["precision"]["wider"]["all"]["ap"]["value"] == 1
    assert evaluation["precision"]["plain"]["all"]["curve"]["recall"] == [0.5, 1]
    assert evaluation["landmarks"]["found"] == 2


def test_the_tables_name_the_pictures_the_model_and_its_figures() -> None:
    shown = text(report(faces("wider")))
    assert "2 of 3,226 pictures, 1 of 61 events: not the official WIDER FACE figure" in shown
    assert "0--Parade 2 of 115" in shown
    assert "int8-model │ WIDER FACE protocol │ 1.0000 ± " in shown
    assert "objects taken as faces: face 2" in text(report(faces()))


def test_a_comparison_shows_both_and_the_difference() -> None:
    shown = text(report(faces(), HALF, FOUND))
    assert "int8-model against float-model, scores from 0.5 and 0.5" in shown
    assert "1 of 2" in shown
    assert "-0.5000 ± " in shown


def test_curves_of_both_models_are_drawn_as_the_files_name_says(tmp_path: Path) -> None:
    for name, start in (("curves.png", b"\x89PNG"), ("deep/curves.svg", b"<?xml"), ("curves.pdf", b"%PDF")):
        plot_curves(tmp_path / name, report(faces("wider"), HALF, FOUND))
        assert (tmp_path / name).read_bytes().startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.pdf", "curves.png", "deep"]


def test_a_plot_of_no_known_format_is_refused_and_nothing_written(tmp_path: Path) -> None:
    for name in ("curves.docx", "curves"):
        with pytest.raises(UsageError, match=r"wanted a name that ends in \.png or \.svg"):
            plot_curves(tmp_path / name, report(faces()))
    assert list(tmp_path.iterdir()) == []
