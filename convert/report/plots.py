"""Plots as SVG that stands inside a page: text and axes take the page's colour, so that they read in light and dark."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from convert.evaluation.boxes import OPERATING_SCORE
from convert.evaluation.dataset import ALL
from convert.evaluation.ranking import Curve
from convert.report.layers import Layer
from convert.report.pairs import Pairs

INK = "#010203"  # stands for the page's text colour
FLOAT_COLOUR, OURS_COLOUR = "#2f9e6e", "#e8710a"  # both read on white and on black
SETTING_COLOURS = ("#2f9e6e", "#3b82d6", "#e8710a")  # of the settings, easy to hard
STYLE: dict[Any, Any] = {  # matplotlib types each key
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "report",  # equal plots are equal files
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "grid.color"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
}
PLOT_INCHES = (4.6, 3.4)
FACE_SIZES = (5, 10, 20, 50, 100, 200, 500, 1000)  # pixels, on the axis
MOST_DECIBELS = 60  # in the plot: more is as good as float


def plot_precision(curves: Mapping[str, tuple[Curve, Curve]], name: str) -> str:
    """Float's curves dashed, the variant's drawn through; by setting."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes("recall", "precision")
        for (setting, (reference, ours)), colour in zip(curves.items(), SETTING_COLOURS, strict=False):
            axes.plot(
                reference.recall, reference.precision, "--", color=colour, alpha=0.8, label=_label("float32", setting)
            )
            axes.plot(ours.recall, ours.precision, color=colour, label=_label(name, setting))
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc="lower left", fontsize=8)
        return _svg(figure)


def plot_scores(pairs: Pairs, threshold: float | None, name: str) -> str:
    """One dot a face; where the thresholds lie."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes("score, float32", f"score, {name}")
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.7, alpha=0.5)
        axes.scatter(pairs.scores[:, 0], pairs.scores[:, 1], s=9, color=OURS_COLOUR, alpha=0.5, linewidths=0)
        axes.axvline(OPERATING_SCORE, color=FLOAT_COLOUR, linewidth=1, label=f"float32's threshold {OPERATING_SCORE:g}")
        if threshold is not None:
            axes.axhline(threshold, color=OURS_COLOUR, linewidth=1, label=f"{name}'s threshold {threshold:.3f}")
        axes.set(xlim=(0, 1.01), ylim=(0, 1.01))
        axes.legend(loc="upper left", fontsize=8)
        return _svg(figure)


def plot_landmarks(pairs: Pairs, threshold: float) -> str:
    """Landmark error over the size of the face, for faces that both report."""
    reported = (pairs.scores[:, 0] >= OPERATING_SCORE) & (pairs.scores[:, 1] >= threshold)
    sizes, errors = pairs.sizes[reported], pairs.landmark_errors[reported]
    with mpl.rc_context(STYLE):
        figure, axes = _axes("size of the face, pixels", "landmark error, of the size")
        axes.scatter(sizes, errors, s=9, color=OURS_COLOUR, alpha=0.5, linewidths=0)
        if len(sizes):
            axes.axhline(errors.mean(), color=INK, linewidth=1, alpha=0.6, label=f"mean {errors.mean():.4f}")
            axes.set_xscale("log")
            axes.set_xticks([one for one in FACE_SIZES if sizes.min() <= one <= sizes.max()])
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set(ylim=(0, max(0.02, float(np.percentile(errors, 99)) * 1.3)))
            axes.legend(loc="upper right", fontsize=8)
        return _svg(figure)


def plot_layers(layers: Sequence[Layer]) -> str:
    """Signal to noise, layer after layer."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes("", "signal to noise, dB", (9.6, 3.4))
        axes.bar(range(len(layers)), [one.decibels for one in layers], width=0.8, color=OURS_COLOUR)
        parts = [_part(one.name) for one in layers]
        starts = [place for place, part in enumerate(parts) if place == 0 or part != parts[place - 1]]
        axes.set_xticks(starts, [parts[place] for place in starts], rotation=40, ha="right", fontsize=8)
        axes.set_ylim(0, MOST_DECIBELS)
        axes.set_xlim(-0.7, len(layers) - 0.3)
        return _svg(figure)


def _label(name: str, setting: str) -> str:
    return name if setting == ALL else f"{name}, {setting}"


def _part(name: str) -> str:
    """Which part of the network: stage1, fpn, ssh2, heads 8."""
    head, _, stride = name.partition("_")
    return f"heads {stride}" if head in ("boxes", "scores", "landmarks") else name.split(".", maxsplit=1)[0]


def _axes(x: str, y: str, inches: tuple[float, float] = PLOT_INCHES) -> tuple[Figure, Axes]:
    figure = Figure(inches, layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(visible=True, alpha=0.15)
    return figure, axes


def _svg(figure: Figure) -> str:
    content = StringIO()
    figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    drawn = content.getvalue()
    return drawn[drawn.index("<svg") :].replace(INK, "currentColor")
