"""The measured part of the page, between two marks; what is written by hand around it stays."""

from pathlib import Path
from typing import Any

OWN = "edge-retinaface"
OURS = f"{OWN} int8"  # that the others are compared with
BUDGETS_MS = (1, 2, 3, 5, 7, 10, 15, 20)
MARKS = "<!-- {}: written by scripts/bench from here -->", "<!-- {}: to here -->"


def write_page(figures: dict[str, Any], path: Path) -> None:
    """Put the figures of the peers into the page."""
    _write(path, "peers", _measured(figures))


def write_arm(figures: dict[str, Any], path: Path) -> None:
    """Put the counts for ARM into the page."""
    lines = [
        "",
        f"`{figures['command']}`",
        "",
        "| what | processor | letterbox | network | rest | whole frame |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted(figures["rows"], key=lambda row: (row["processor"], row["name"])):
        board = f"{row['processor']} ({figures['boards'][row['processor']]})"
        parts = (
            [row["letterbox"], row["invoke"], row["frame"] - row["letterbox"] - row["invoke"]]
            if "invoke" in row
            else []
        )
        cells = [f"{one / 1e6:.2f}" for one in parts] or ["-"] * 3
        lines.append(f"| {row['name']} | {board} | {' | '.join(cells)} | {row['frame'] / 1e6:.1f} |")
    _write(path, "arm", "\n".join([*lines, "", ""]))


def _write(path: Path, name: str, measured: str) -> None:
    begin, end = (mark.format(name) for mark in MARKS)
    text = path.read_text() if path.exists() else ""
    if begin not in text:
        text += f"\n{begin}\n{end}\n"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{measured}{end}{after}")


def _measured(figures: dict[str, Any]) -> str:
    own = {row["size"]: row["cpu_ms"] for row in figures["rows"] if row["name"] == OURS}
    lines = [
        "",
        f"`{figures['command']}`",
        "",
        f"{figures['date']}, {figures['processor']}, {figures['cores']} cores, {figures['system']}.",
        f"Threads: {figures['threads']}. AP on {figures['pictures']} pictures, times on {figures['timed']} of them,",
        f"up to {figures['widest']} pixels wide.",
        *(f"\nWarning of the machine: {one}." for one in figures["warnings"]),
        "",
        "| detector | input | CPU ms | of our int8 at this size | AP easy / medium / hard | peak MiB | load s |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = figures["rows"]
    for row in sorted(rows, key=lambda row: (not row["name"].startswith(OWN), row["name"], row["cpu_ms"])):
        same = next((ms for size, ms in own.items() if row["size"] in (size, size.split("x")[0])), None)
        ratio = f"{row['cpu_ms'] / same:.2f}" if same else "-"
        ap = " / ".join(f"{100 * one:.1f}" for one in row["ap"]) if row["ap"] else "-"
        name = row["name"] + (f" ({row['precision']})" if row["precision"] else "")
        cells = [name, row["size"], f"{row['cpu_ms']:.2f}", ratio, ap, f"{row['peak_mib']:.0f}", f"{row['load_s']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", "![AP against milliseconds](performance.svg)", "", *_budgets(rows), ""])


def _budgets(rows: list[dict[str, Any]]) -> list[str]:
    """What is the most accurate of ours and of the others within so many milliseconds."""
    rows = [row for row in rows if row["ap"]]
    lines = [
        "The most accurate within a budget, AP (in bold the better one):",
        "",
        "| at most | medium, ours | medium, best other | hard, ours | hard, best other |",
        "|---|---|---|---|---|",
    ]
    for budget in BUDGETS_MS if rows else ():
        cells = [f"{budget} ms"]
        for setting in (1, 2):
            pair = [_best(rows, budget, setting, ours=ours) for ours in (True, False)]
            scores = [row["ap"][setting] if row else -1.0 for row in pair]
            cells += [_told(row, setting, bold=score == max(scores)) for row, score in zip(pair, scores, strict=True)]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""] if rows else []


def _best(rows: list[dict[str, Any]], budget_ms: float, setting: int, *, ours: bool) -> dict[str, Any] | None:
    fitting = [row for row in rows if row["cpu_ms"] <= budget_ms and row["name"].startswith(OWN) == ours]
    return max(fitting, key=lambda row: row["ap"][setting], default=None)


def _told(row: dict[str, Any] | None, setting: int, *, bold: bool) -> str:
    if row is None:
        return "-"
    score = f"{100 * row['ap'][setting]:.1f}"
    name = row["name"].removeprefix(OWN).strip()
    return f"{f'**{score}**' if bold else score} {name} {row['size']}"
