"""Milliseconds against average precision, a curve for each detector."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.rcParams["svg.hashsalt"] = "edge-retinaface"  # the same figures give the same file
mpl.rcParams["svg.fonttype"] = "none"  # text as text: a tenth of the size
TICKS_MS = (1, 2, 5, 10, 20, 50, 100)
COLOURS = mpl.colormaps["tab20"].colors  # type: ignore[attr-defined] # a listed map


def draw(figures: dict[str, Any], path: Path) -> None:
    """One panel for medium and one for hard faces; nothing where there is no precision."""
    rows = [row for row in figures["rows"] if row["ap"]]
    if not rows:
        return
    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, setting, title in ((left, 1, "medium"), (right, 2, "hard")):
        for number, name in enumerate(dict.fromkeys(row["name"] for row in rows)):
            points = sorted((row["cpu_ms"], row["ap"][setting]) for row in rows if row["name"] == name)
            own = name.startswith("edge")
            style = {"linewidth": 2.5 if own else 1, "linestyle": "-" if own else "--", "marker": "o" if own else "s"}
            axes.plot(*zip(*points, strict=True), markersize=4, color=COLOURS[number % 20], label=name, **style)
        axes.set(xscale="log", xlabel="CPU milliseconds a picture", ylabel="AP", title=f"{title} faces")
        axes.set_xticks(TICKS_MS, [str(tick) for tick in TICKS_MS])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right center", fontsize=8)
    figure.suptitle(f"{figures['processor']}, {figures['threads']} thread, {figures['date']}", fontsize=10)
    figure.savefig(path, metadata={"Date": None})
