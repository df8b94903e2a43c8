"""Figures for a person and for a program."""

import msgspec
import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table

from convert.evaluation.bootstrap import Estimate
from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.comparison import Comparison
from convert.evaluation.evaluation import Evaluation
from edge_retinaface.data import LANDMARK_NAMES

PROTOCOL_NAMES = {"wider": "WIDER FACE protocol", "plain": "plain AP at IoU 0.5"}


class Report(msgspec.Struct, frozen=True):
    """What one run measured. `reference` and `comparison` are None without a reference."""

    evaluation: Evaluation
    reference: Evaluation | None = None
    comparison: Comparison | None = None

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """The reference first, if there is one."""
        return (self.evaluation,) if self.reference is None else (self.reference, self.evaluation)


def to_json(report: Report) -> bytes:
    """The report as one line of JSON."""
    return msgspec.json.encode(report, enc_hook=_plain_values) + b"\n"


def to_text(report: Report) -> Group:
    """The report as tables for rich to print."""
    data = report.evaluation
    parts: list[RenderableType] = [f"{data.faces:,} faces on {data.remark}"]
    if data.events:
        parts += [", ".join(f"{name} {there.pictures} of {there.of}" for name, there in data.events.items())]
    if data.labels:
        parts += ["objects taken as faces: " + ", ".join(f"{name} {count:,}" for name, count in data.labels.items())]
    parts += [_precision_table(report), _recall_table(report)]
    if data.landmarks:
        parts += [_landmark_table(report)]
    if report.comparison:
        parts += [_agreement_table(report.comparison), _difference_table(report.comparison)]
    return Group(*parts)


def _precision_table(report: Report) -> Table:
    settings = next(iter(report.evaluation.precision.values()))
    headers = (f"{name}, {precision.faces:,} faces" for name, precision in settings.items())
    table = Table("model", "protocol", *headers, title="average precision ± its deviation over pictures")
    for evaluation in report.evaluations:
        for protocol, precisions in evaluation.precision.items():
            shown = (_shown(precision.ap) for precision in precisions.values())
            table.add_row(evaluation.subject, PROTOCOL_NAMES[protocol], *shown)
    return table


def _recall_table(report: Report) -> Table:
    table = Table(
        "√area, px", "faces", title=f"faces found with a score of {OPERATING_SCORE:g} | found at all, by size"
    )
    for evaluation in report.evaluations:
        table.add_column(evaluation.subject)
    for rows in zip(*(evaluation.recall_by_size for evaluation in report.evaluations), strict=True):
        size = f"{rows[0].from_px:g} to {rows[0].to_px:g}" if rows[0].to_px else f"{rows[0].from_px:g} and more"
        shares = (
            f"{row.found / row.faces:.3f} | {row.found_at_all / row.faces:.3f}" if row.faces else "" for row in rows
        )
        table.add_row(size, f"{rows[0].faces:,}", *shares)
    return table


def _landmark_table(report: Report) -> Table:
    table = Table("model", "faces found", "mean", *LANDMARK_NAMES, title="landmark error, of the box's √area")
    for evaluation in report.evaluations:
        if (error := evaluation.landmarks) is not None:
            by_point = ("-" if nme is None else f"{nme:.4f}" for nme in error.nme_by_point.values())
            table.add_row(evaluation.subject, f"{error.found} of {error.faces}", _shown(error.nme), *by_point)
    return table


def _agreement_table(comparison: Comparison) -> Table:
    agreement = comparison.agreement
    scores = f"{comparison.min_score:g} and {comparison.candidate_min_score:g}"
    title = f"{comparison.candidate} against {comparison.reference}, scores from {scores}"
    table = Table("matched", "share", "extra", "score difference", "IoU", "landmark error", title=title)
    means = (agreement.score_difference, agreement.iou, agreement.landmark_nme)
    extra = f"{agreement.candidate - agreement.matched:,}"
    matched = f"{agreement.matched:,} of {agreement.reference:,}"
    table.add_row(matched, _shown(agreement.matched_share), extra, *(_shown(mean) for mean in means))
    return table


def _difference_table(comparison: Comparison) -> Table:
    headers = next(iter(comparison.ap_difference.values()))
    table = Table("protocol", *headers, title="difference of average precision ± its deviation over pictures")
    for protocol, settings in comparison.ap_difference.items():
        table.add_row(PROTOCOL_NAMES[protocol], *(_shown(one, "+") for one in settings.values()))
    return table


def _shown(estimate: Estimate, sign: str = "") -> str:
    if estimate.value is None or estimate.sd is None:
        return "-"
    return f"{estimate.value:{sign}.4f} ± {estimate.sd:.4f}"


def _plain_values(value: object) -> object:
    if isinstance(value, np.ndarray):
        return [round(float(number), 5) for number in value]
    raise NotImplementedError(f"no JSON form of {type(value).__name__}")
