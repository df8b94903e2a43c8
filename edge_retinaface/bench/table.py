"""A bench run as tables."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edge_retinaface.bench.compare import Difference
from edge_retinaface.bench.corridor import WHOLE
from edge_retinaface.bench.records import Bench, Run
from edge_retinaface.delegates import names_edgetpu


def tables(bench: Bench) -> RenderableType:
    """Machine, warnings, and a table a run."""
    about = bench.machine
    warmth = f", {about.temperature_c[0]:.0f} to {about.temperature_c[-1]:.0f} °C" if about.temperature_c else ""
    lines = [f"{about.processor}, {about.cores} cores{warmth}; {about.system}"]
    lines += [f"warning: {one}" for one in about.warnings]
    return Group(*map(Text, lines), *(_table(run) for run in bench.runs))


def differences(found: list[Difference]) -> RenderableType:
    """What changed since an older run."""
    table = Table("run", "figure", "new / old", "99 % between", "verdict", title="Against the older run")
    for one in found:
        verdict = "worse" if one.regression else "no worse"
        table.add_row(one.run, one.figure, f"{one.ratio:.3f}", f"{one.low:.3f} and {one.high:.3f}", verdict)
    return table


def _table(run: Run) -> RenderableType:
    height, width = run.input_hw
    title = f"{run.model}, {run.threads} thread{'s' * (run.threads > 1)}, {run.frame_hw[1]}x{run.frame_hw[0]} frames"
    table = Table("stage", "p50 ms", "p95 ms", "p99 ms", title=title, title_justify="left")
    for stage, times in run.stages.items():
        values = (f"{value:.3f}" for value in (times.p50, times.p95, times.p99))
        table.add_row(stage, *values, style="bold" if stage == WHOLE else "")
    left = ", ".join(f"{number} {name}" for name, number in run.fallback.items()) or "nothing"
    start = sorted(run.start_ms)[len(run.start_ms) // 2]
    notes = (
        f"input {width}x{height}; {run.frames} frames, {run.faces:g} faces each; {run.fps:g} frames/s; stages add "
        f"up to {run.accounted:.1%}; detection is {run.over_invoke:.3f} of invoke alone\n"
        f"{_edgetpu(run)}delegated in {run.partitions} part{'s' * (run.partitions != 1)}, interpreter itself: {left}\n"
        f"start to first detection {start:.0f} ms, resident {run.memory_mib:.0f} MiB{_service(run)}"
    )
    return Group(table, Text(notes))


def _service(run: Run) -> str:
    if not run.service_fps:
        return ""
    share = run.service_fps * run.stages["invoke"].p50 / 1000
    return (
        f"\nthe whole service: {run.service_fps:g} frames/s, {share:.2f} of invoke alone; "
        f"resident {run.service_mib:.0f} MiB"
    )


def _edgetpu(run: Run) -> str:
    """Whether it is really on the Edge TPU, where that was asked for."""
    if not names_edgetpu(run.delegate):
        return ""
    where = f"on the Edge TPU in {run.edgetpu} part{'s' * (run.edgetpu != 1)}"
    return f"{where if run.edgetpu else 'not on the Edge TPU: the model is not compiled for it'}; "
