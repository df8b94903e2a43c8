"""The table and the plot of scripts/compression."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import matplotlib as mpl
from matplotlib.figure import Figure

from edge_retinaface.model_file import read_model

SETTINGS = ("easy", "medium", "hard")
KINDS = {"closed-float32": ":o", "float32": "-o", "int8": "--s"}  # and how they are drawn


def rows(folder: Path) -> dict[tuple[str, str], list[dict[str, float]]]:
    """One entry a seed, by budget and kind."""
    found = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        budget, seed, mode = path.stem.rsplit("-", 2) if not path.stem.startswith("whole") else ("whole", "", "int8")
        compression = read_model(path.with_suffix(".tflite")).card.weights.compression
        comparison = json.loads(path.read_bytes())["comparison"]
        agreement = comparison["agreement"]
        found[budget, f"closed-{mode}" if seed == "closed" else mode].append(
            {
                **{name: comparison["ap_difference"]["wider"][name]["value"] for name in SETTINGS},
                "matched": agreement["matched_share"]["value"],
                "extra": agreement["extra"]["value"],
                "landmarks": agreement["landmark_nme"]["value"],
                "macs": compression.macs_after / 1e6 if compression else 735.1,
            }
        )
    return found


def table(found: dict[tuple[str, str], list[dict[str, float]]]) -> Iterator[str]:
    """Means over the seeds, and from the least to the greatest where there are several."""
    yield "| budget | million multiplications | file | seeds | AP easy / medium / hard | matched | extra | landmarks |"
    yield "|---|---|---|---|---|---|---|---|"
    for (budget, kind), seeds in sorted(found.items(), key=lambda one: (-one[1][0]["macs"], one[0])):
        ap = " / ".join(f"{mean(one[name] for one in seeds):+.4f}" for name in SETTINGS)
        if len(seeds) > 1:
            spread = " / ".join(
                f"{min(one[name] for one in seeds):+.3f}..{max(one[name] for one in seeds):+.3f}" for name in SETTINGS
            )
            ap += f" ({spread})"
        matched, extra, landmarks = (mean(one[name] for one in seeds) for name in ("matched", "extra", "landmarks"))
        cells = (
            budget,
            f"{seeds[0]['macs']:.0f}",
            kind,
            len(seeds),
            ap,
            f"{matched:.1%}",
            f"{extra:g}",
            f"{landmarks:.4f}",
        )
        yield f"| {' | '.join(map(str, cells))} |"


def plot(path: Path, found: dict[tuple[str, str], list[dict[str, float]]]) -> None:
    """AP against multiplications, a panel for each setting."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "compression", "font.size": 9})
    figure = Figure(figsize=(9, 3.2))
    for panel, name in zip(figure.subplots(1, 3, sharey=True), SETTINGS, strict=True):
        for kind, style in KINDS.items():
            points = sorted(
                (mean(one["macs"] for one in seeds), mean(one[name] for one in seeds))
                for (_, of), seeds in found.items()
                if of == kind
            )
            if kind != "int8":
                points.append((735.1, 0.0))
            panel.plot(
                *zip(*points, strict=True), style, ms=4, label=kind.replace("closed-float32", "float32, not trained")
            )
        panel.set(title=name, xlabel="million multiplications")
        panel.grid(alpha=0.3)
        panel.invert_xaxis()
    figure.axes[0].set_ylabel("AP against the whole network in float32")
    figure.axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    found = rows(folder)
    sys.stdout.write("\n".join(table(found)) + "\n")
    plot(folder / "curve.svg", found)
