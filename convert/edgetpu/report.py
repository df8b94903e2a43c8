"""The verdict for a person, and for a program."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from convert.edgetpu.comparison import Comparison
from convert.edgetpu.compiler import PROGRAM, Log
from convert.edgetpu.table import COMPILER, PARAMETER_CACHE, RUNTIME
from convert.edgetpu.verdict import OpVerdict, Verdict

MEGA = 1e6
MEBI = 2**20


def print_verdict(console: Console, verdict: Verdict) -> None:
    """Every operation in a table, neighbours alike in one row, and what follows from it."""
    table = Table("operation", "name", "MMAC", "becomes", "because", title=_title(verdict), title_justify="left")
    for run in _runs(verdict.ops):
        first, last = run[0], run[-1]
        number = str(first.op.index) if first is last else f"{first.op.index} to {last.op.index}"
        name = (first.op.custom or first.op.name) + (f" x {len(run)}" if len(run) > 1 else "")
        macs = sum(one.macs for one in run) / MEGA
        row = (number, escape(name), f"{macs:.1f}" if macs else "", first.status, escape(first.reason))
        table.add_row(*row, style="green" if first.mapped else "red")
    console.print(table)
    console.print(summary(verdict), highlight=False)


def summary(verdict: Verdict) -> str:
    """One paragraph: how much is mapped, and what stands in the way."""
    total = sum(one.macs for one in verdict.ops)
    lines = [f"{verdict.mapped} of {len(verdict.ops)} operations on the Edge TPU"]
    if not verdict.compiled:
        lines[0] += f", {verdict.share:.1%} of {total / MEGA:.1f} million multiplications"
    if verdict.refusal:
        lines.append(f"the compiler refuses the file: {verdict.refusal}")
    blocking = dict.fromkeys(one.op.custom or one.op.name for one in verdict.ops if not (one.mapped or one.behind))
    if blocking and not verdict.compiled:
        lines.append(f"not mapped themselves: {', '.join(blocking)}")
    behind = sum(one.behind for one in verdict.ops)
    if behind and not verdict.refusal:
        lines.append(f"supported but behind them: {behind}; the compiler makes one subgraph and no second")
    if verdict.parameter_bytes > PARAMETER_CACHE and not verdict.compiled:
        lines.append(
            f"{verdict.parameter_bytes / MEBI:.1f} MiB of parameters, more than fit on the chip: "
            "some are sent with every picture"
        )
    return "\n".join(lines)


def print_comparison(console: Console, log: Log, comparison: Comparison) -> None:
    """What the compiler did, and where the prediction was wrong."""
    console.print(f"{PROGRAM} {log.version}: {log.failure or 'compiled'}", highlight=False, markup=False)
    if comparison.differences:
        table = Table("operation", "there are", "predicted on the Edge TPU", "mapped")
        for op, predicted, mapped, total in comparison.differences:
            table.add_row(op, str(total), str(predicted), str(mapped))
        console.print(table)
    said = "the prediction was right" if comparison.agreed else f"the prediction was wrong for {comparison.wrong}"
    console.print(said if comparison.agreed else f"{said} operations", highlight=False)


def as_dictionary(verdict: Verdict, log: Log | None, comparison: Comparison | None) -> dict[str, Any]:
    """Everything, for --json."""
    told: dict[str, Any] = {
        "compiled": verdict.compiled,
        "refusal": verdict.refusal,
        "operations": len(verdict.ops),
        "mapped": verdict.mapped,
        "macs": sum(one.macs for one in verdict.ops),
        "mapped_macs": sum(one.macs for one in verdict.ops if one.mapped),
        "mapped_share": verdict.share,
        "parameter_bytes": verdict.parameter_bytes,
        "compiler": {"version": COMPILER, "runtime": RUNTIME},
        "ops": [_op(one) for one in verdict.ops],
    }
    if log and comparison:
        rows = [{"name": op, "status": status, "count": count} for (op, status), count in log.rows.items()]
        differences = [one._asdict() for one in comparison.differences]
        told["truth"] = {"version": log.version, "failure": log.failure, "ops": rows, "agreed": comparison.agreed}
        told["truth"] |= {"wrong": comparison.wrong, "differences": differences}
    return told


def _op(one: OpVerdict) -> dict[str, Any]:
    keys = ("index", "name", "custom", "version")
    return {key: getattr(one.op, key) for key in keys} | {
        "mapped": one.mapped,
        "status": one.status,
        "reason": one.reason,
        "macs": one.macs,
    }


def _runs(ops: tuple[OpVerdict, ...]) -> list[list[OpVerdict]]:
    runs: list[list[OpVerdict]] = []
    for one in ops:
        alike = runs and (runs[-1][0].op.name, *runs[-1][0][1:4]) == (one.op.name, *one[1:4])
        if alike:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _title(verdict: Verdict) -> str:
    return "Compiled already" if verdict.compiled else f"Prediction for compiler {COMPILER}, runtime {RUNTIME}"
