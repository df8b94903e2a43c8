"""Milliseconds against average precision, a curve for each detector."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

mpl.rcParams["svg.hashsalt"] = "edge-retinaface"  # the same figures give the same file


def draw(figures: dict[str, Any], path: Path) -> None:
    """One panel for medium and one for hard faces; nothing where there is no precision."""
    rows = [row for row in figures["rows"] if row["ap"]]
    if not rows:
        return
    figure = Figure(figsize=(11, 5), layout="constrained")
    for place, (setting, title) in enumerate(((1, "medium"), (2, "hard")), 1):
        axes = figure.add_subplot(1, 2, place)
        for name in dict.fromkeys(row["name"] for row in rows):
            points = sorted((row["cpu_ms"], row["ap"][setting]) for row in rows if row["name"] == name)
            own = name.startswith("edge")
            axes.plot(*zip(*points, strict=True), marker="o", markersize=4, linewidth=2.5 if own else 1, label=name)
        axes.set(xscale="log", xlabel="CPU milliseconds a picture", ylabel="AP", title=f"{title} faces")
        axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.suptitle(f"{figures['processor']}, {figures['threads']} thread, {figures['date']}", fontsize=10)
    figure.savefig(path, metadata={"Date": None})
