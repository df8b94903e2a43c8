"""Search with the published weights at a size that is quick, and with a score head that int8 cannot hold."""

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from convert_weights import default_weights

from convert.calibrate import Pictures
from convert.make.limits import Limits
from convert.make.search import Job, Outcome, search, verdict
from convert.make.ship import shipped
from convert.make.shown import choose_pictures
from convert.make.table import lines
from convert.network import Target
from convert.quantize import make_spec, quantize
from convert.report.layers import PERFECT, compare_layers
from convert.report.write import write_report
from convert.tflite import Mode
from convert.weights import Layer, Weights
from edge_retinaface.errors import ModelError
from edge_retinaface.model_file import read_model
from edge_retinaface.spec import ModelSpec

pytestmark = pytest.mark.convert
SPEC = make_spec(default_weights(), (96, 128))
SHOUTS = 10000.0  # times: what one anchor of a level says, against the other


def few(weights: Weights, spec: ModelSpec, mode: Mode, pictures: Pictures | None, target: Target) -> bytes:
    """As `quantize`, calibrated on eight of the pictures."""
    return quantize(weights, spec, mode, pictures and Pictures(pictures.tensors[:8], pictures.centre), target)


def squashed() -> Weights:
    """One anchor of the finest level shouts: float finds the same faces, int8 has no steps left for the other."""
    weights = default_weights()
    kernel, bias = weights.layers["scores_8"]
    return weights.with_layers({"scores_8": Layer(kernel * [1, SHOUTS], bias * [1, SHOUTS])})


def job_of(weights: Weights) -> Job:
    return Job(weights, SPEC, "cpu", choose_pictures(None, SPEC, keep_back=True), None, few)


def run(weights: Weights, modes: tuple[Mode, ...], limits: Limits, folder: Path) -> Outcome:
    return search(job_of(weights), modes, limits, folder)


@pytest.fixture(scope="module")
def of_squashed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(squashed(), ("int8", "float16"), Limits(ap_drop=0.05), tmp_path_factory.mktemp("squashed"))


def test_a_collapsed_score_head_is_rescued_by_another_variant(of_squashed: Outcome) -> None:
    int8, float16 = of_squashed.tried
    assert "scores of stride 8, anchor 1 of 2" in int8.collapse
    assert of_squashed.chosen is float16
    _, card = shipped(of_squashed, Limits(ap_drop=0.05))
    assert card.quantization.mode == "float16"


def test_a_collapsed_score_head_is_refused_in_one_line_where_nothing_else_is_tried(of_squashed: Outcome) -> None:
    alone = Outcome(of_squashed.truth, of_squashed.reference, of_squashed.tried[:1], {}, of_squashed.looks, None)
    with pytest.raises(
        ModelError, match="int8: wanted scores that tell faces from the rest, found them collapsed"
    ) as no:
        shipped(alone, Limits())
    assert "\n" not in str(no.value)


def test_the_fastest_within_the_limits_is_shipped_with_its_figures_on_the_card(tmp_path: Path) -> None:
    limits = Limits(ap_drop=0.9, landmark_error=0.5)
    outcome = run(default_weights(), ("int8", "float16"), limits, tmp_path)
    assert [one.collapse for one in outcome.tried] == ["", ""]
    assert outcome.chosen is min(outcome.tried, key=lambda one: one.time.ratio if one.time else 9)
    _, card = shipped(outcome, limits)
    assert card.threshold == outcome.chosen.threshold
    assert card.accuracy["float_ap"] == 1
    assert 0.5 < card.accuracy["matched"] <= 1
    assert "float network's own" in card.accuracy["measured_on"]
    table = list(lines(outcome))
    assert len([line for line in table if line.endswith(("shipped", "passes"))]) == 2
    assert [verdict(one, Limits(landmark_error=0.0)) for one in outcome.tried] == ["landmark error over 0"] * 2
    none = Outcome(outcome.truth, outcome.reference, outcome.tried, {}, outcome.looks, None)
    with pytest.raises(ModelError, match="wanted a variant with landmark error at most 0, found none"):
        shipped(none, Limits(landmark_error=0.0))


def test_a_variant_that_cannot_be_made_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    float32 = quantize(default_weights(), SPEC, "float32")

    def make(*inputs: object) -> bytes:
        if "int8" in inputs[2:3]:
            raise ModelError("int8: cannot be")
        return float32

    job = Job(default_weights(), SPEC, "cpu", choose_pictures(None, SPEC, keep_back=True), None, make)
    outcome = search(job, ("int8", "float16"), Limits(ap_drop=0.1), tmp_path)
    assert outcome.failed == {"int8": "int8: cannot be"}
    assert outcome.chosen is not None
    assert outcome.chosen.mode == "float16"


class Tags(HTMLParser):
    """What a page is made of and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]


def test_the_report_is_one_page_that_fetches_nothing_and_the_same_as_json(of_squashed: Outcome, tmp_path: Path) -> None:
    job, limits = job_of(squashed()), Limits(ap_drop=0.05)
    alone = Outcome(of_squashed.truth, of_squashed.reference, of_squashed.tried[:1], {}, of_squashed.looks, None)
    write_report(tmp_path / "r.html", job, alone, limits)
    page = (tmp_path / "r.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert tags.names["script"] == 0
    assert tags.names["image"] >= 4
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in tags.links)
    assert len(page) < 2_000_000
    assert "Not shipped: collapsed: scores of stride 8" in page
    content = json.loads((tmp_path / "r.json").read_bytes())
    assert (content["schema"], content["shipped"], content["detailed"]["mode"]) == (1, False, "int8")
    assert content["weights"]["sha256"] in page
    decibels = {layer["name"]: layer["decibels"] for layer in content["layers"]}
    assert len(decibels) > 80


def test_a_graph_beside_itself_has_no_error(of_squashed: Outcome) -> None:
    model = read_model(of_squashed.looks["int8"].path)
    layers = compare_layers(model, model, [of_squashed.truth.picture(0)])
    alive = [layer for layer in layers if layer.name != "scores_8"]  # squashed to zeros, which say nothing
    assert {layer.decibels for layer in alive} == {PERFECT}
