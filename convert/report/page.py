"""The page: one file without scripts that asks the network for nothing, for screens in light and dark and for paper."""

from collections.abc import Iterable, Sequence
from html import escape

from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.dataset import ALL
from convert.make.judge import Measured
from convert.report.content import Content
from convert.report.plots import plot_landmarks, plot_layers, plot_precision, plot_scores
from convert.report.style import STYLE

WORST = 12  # layers in the table
Row = Sequence[str]


def render(content: Content, shots: Sequence[str]) -> str:
    """The whole file."""
    height, width = content.input_hw
    mode = content.detailed.mode
    parts = [
        f"<header><p class='kicker'>conversion report</p><h1>{escape(content.model)}</h1>",
        f"<p class='verdict {'good' if content.shipped else 'bad'}'>{escape(content.verdict)}</p></header>",
        _tiles(content),
        f"<p class='note'>Measured on {escape(content.measured_on)}.</p>",
        _section("Variants tried", _variants(content), _limits(content)),
        "<div class='pair'>",
        _section("Precision over recall", plot_precision(content.curves, mode), "Dashed: float32. Through: this file."),
        _section(
            "Scores", plot_scores(content.faces, content.detailed.threshold, mode), "One dot a face that both see."
        ),
        _section(
            "Landmarks",
            plot_landmarks(content.faces, content.detailed.threshold or OPERATING_SCORE),
            "Mean distance of the five points from float32's, for faces that both report.",
        ),
        _section("Heads", _heads(content), "Boxes and landmarks: of anchors that float32 gives a score over 0.3."),
        "</div>",
        _section(
            "Layer by layer",
            plot_layers(content.layers),
            "Every activation beside float32's, in running order, over all positions: most see no face.",
        ),
        _section("Worst activations", _worst(content), "What a later layer does with the error is in the heads."),
        _section(
            "Faces",
            f"<div class='shots'>{''.join(shots)}</div>",
            "<span class='float'>float32</span> and <span class='ours'>this file</span>, each at its own threshold; "
            "first the pictures on which they differ most.",
        ),
        _section("What went in", _inputs(content, f"{height}x{width}")),
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(content.model)}: conversion report</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _tiles(content: Content) -> str:
    one = content.detailed
    agreement = one.agreement
    found = f"{agreement.matched:,} of {agreement.reference:,}, {agreement.candidate - agreement.matched:,} extra"
    tiles = (
        ("AP drop, worst setting", _number(one.ap_drop.value, ".4f"), f"± {_number(one.ap_drop.sd, '.4f')}"),
        ("float32's faces found", _number(agreement.matched_share.value, ".1%"), found),
        ("landmark error", _number(agreement.landmark_nme.value, ".4f"), "of the face's size, against float32"),
        ("threshold", _number(one.threshold, ".3f"), "means float32's 0.5"),
        ("time", _time(one), f"of float32's {_milliseconds(content.reference)} ms, here"),
        ("size", f"{one.size / 1000:,.0f} kB", f"float32: {content.reference.size / 1000:,.0f} kB"),
    )
    cells = (f"<div><dt>{name}</dt><dd>{value}</dd><p>{note}</p></div>" for name, value, note in tiles)
    return f"<dl class='tiles'>{''.join(cells)}</dl>"


def _variants(content: Content) -> str:
    settings = tuple(content.reference.ap)
    aps = ("AP" if name == ALL else f"AP {name}" for name in settings)
    head = ("variant", "kB", *aps, "AP drop", "matched", "landmarks", "threshold", "time", "verdict")
    rows = [_variant(content.reference, settings, "")]
    for one in content.tried:
        shipped = content.shipped and one.mode == content.detailed.mode
        rows.append(_variant(one, settings, "shipped" if shipped else one.verdict or "passes"))
    failed = [(mode, *[""] * (len(head) - 2), f"cannot be made: {why}") for mode, why in content.failed.items()]
    return _table(head, [*rows, *failed])


def _variant(one: Measured, settings: Iterable[str], verdict: str) -> Row:
    return (
        one.mode,
        f"{one.size / 1000:,.0f}",
        *(f"{one.ap[name]:.4f}" for name in settings),
        _number(one.ap_drop.value, ".4f"),
        _number(one.agreement.matched_share.value, ".1%"),
        _number(one.agreement.landmark_nme.value, ".4f"),
        _number(one.threshold, ".3f"),
        _time(one),
        verdict,
    )


def _limits(content: Content) -> str:
    names = {"ap_drop": "AP drop", "landmark_error": "landmark error"}
    given = [f"{names[name]} at most {limit:g}" for name, limit in content.limits.items() if limit is not None]
    limits = f"Limits: {', '.join(given)}. " if given else ""
    where = f"on {escape(content.processor)}" if content.processor else "on the machine that converted"
    return f"{limits}Time: one thread {where}, inference only, float32 = 1; a device may see another order."


def _heads(content: Content) -> str:
    rows = [
        (
            one.output.replace("_", ", stride "),
            _number(one.decibels, ".1f"),
            _number(one.largest_error, ".3f"),
            _number(one.signal, ".3f"),
        )
        for one in content.detailed.fidelity
    ]
    return _table(("output", "signal to noise, dB", "largest error", "rms"), rows, "numbers")


def _worst(content: Content) -> str:
    worst = sorted(content.layers, key=lambda one: one.decibels)[:WORST]
    return _table(("activation", "signal to noise, dB"), [(one.name, f"{one.decibels:.1f}") for one in worst])


def _inputs(content: Content, size: str) -> str:
    calibration = content.calibration
    rows = (
        ("weights", f"{content.weights.format}, family {content.family}", content.weights.sha256),
        ("input", f"{size} pixels (height x width), for {content.target}", ""),
        ("calibration", f"{calibration.images} pictures" if calibration.images else "none needed", calibration.digest),
        ("model", f"made {content.made} by edge-retinaface {content.converter}", content.sha256),
        ("with", ", ".join(f"{name} {version}" for name, version in content.versions.items()), ""),
    )
    return _table(("", "", "sha256"), rows, "texts")


def _section(title: str, body: str, note: str = "") -> str:
    said = f"<p class='note'>{note}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{said}<div class='wide'>{body}</div></section>"


def _table(head: Row, rows: Iterable[Row], kind: str = "figures") -> str:
    titles = "".join(f"<th>{escape(one)}</th>" for one in head)
    cells = ("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rows)
    return f"<table class='{kind}'><thead><tr>{titles}</tr></thead><tbody>{''.join(cells)}</tbody></table>"


def _time(one: Measured) -> str:
    return _number(None if one.time is None else one.time.ratio, ".2f")


def _milliseconds(one: Measured) -> str:
    return _number(None if one.time is None else one.time.milliseconds, ".1f")


def _number(value: float | None, form: str) -> str:
    """`value`, or a dash where there is none (NaN differs from itself)."""
    return "-" if value is None or value != value else format(round(value, 6) + 0.0, form)  # noqa: PLR0124
