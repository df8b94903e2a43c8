"""The command `compress`, and the option of that name of `quantize`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from convert.arguments import FamilyOption, Output, WeightsPath, read_noted
from convert.calibrate import folder_pictures
from convert.compress.budget import MEGA, Budget, find_budget, parse_budget
from convert.compress.cost import COSTS, count
from convert.compress.pipeline import Compressed, compress
from convert.compress.store import write_weights
from convert.distill.plan import Plan
from convert.weights import Weights
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.data import U8

STANDARD = Plan()
SPENT = {
    "macs": "multiplications at 480x640",
    "pi4": "instructions of a Pi 4, int8",
    "pi5": "instructions of a Pi 5, int8",
}

BUDGET_HELP = (
    "What may be left, at 480x640: multiplications (464M, or a share such as 0.63), or the instructions that "
    "a Raspberry Pi 4 or 5 executes for the int8 file (pi4:165M, pi5:85M, pi5:0.75)."
)
Steps = Annotated[int, typer.Option(min=0, help="Of training without labels; 0: none.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds make equal weights.")]


def compress_command(
    weights: WeightsPath,
    pictures: Annotated[
        Path, typer.Option(parser=as_path, help="A folder of pictures with faces like the device will see.")
    ],
    budget: Annotated[str, typer.Option(show_default=False, help=BUDGET_HELP)],
    output: Output = None,
    family: FamilyOption = None,
    steps: Steps = STANDARD.steps,
    seed: Seed = STANDARD.seed,
) -> None:
    """Make a smaller network from trained weights: factorise, prune, then train it to say what the original says.

    The file is weights like any other: quantize, build and verify take it. An interrupted run goes on.
    """
    parse_budget("--budget", budget)  # this and the next before minutes of work
    check_output(output or Path(f"{weights.stem}.npz"))
    ready = read_noted(weights, family)
    done = compressed(ready, folder_pictures(pictures), find_budget("--budget", budget, ready), steps, seed)
    path = output or Path(f"{weights.stem}-{round(done.compression.macs_after / MEGA)}M.npz")
    write_weights(path, done.weights)
    typer.echo(path)


def compressed(weights: Weights, pictures: Iterable[U8], budget: Budget, steps: int, seed: int) -> Compressed:
    """A smaller network; its training is kept in the current folder while it runs. What was done goes to stderr."""
    plan = STANDARD._replace(steps=steps, seed=seed)
    kept = Path(f".compress-{weights.source.sha256[:12]}-{budget.unit}-{budget.most}-{seed}.npz")
    check_output(kept)
    done = compress(weights, pictures, budget, plan, kept)
    kept.unlink(missing_ok=True)
    typer.echo("\n".join(describe(weights, done)), err=True)
    return done


def describe(whole: Weights, done: Compressed) -> list[str]:
    """What was done, in lines."""
    one, lines = done.compression, []
    for unit, cost in COSTS.items():
        before, after = (
            round(count(some.convs, whole.family.structure, cost) / MEGA) for some in (whole, done.weights)
        )
        lines.append(f"{SPENT[unit]}: {before} to {after} million{', none spared' if after >= before else ''}")
    lines += [f"  {name}: rank {rank}" for name, rank in one.ranks.items()]
    lines += [f"  {name}: {count} depthwise kernels an input" for name, count in one.depthwise.items()]
    lines += [f"  {name}: {width} channels" for name, width in one.widths.items()]
    lines += [f"  {name}: relu" for name in one.folded]
    if one.steps:
        lines.append(f"  trained {one.steps} steps: loss {done.loss_before:.3f} to {done.loss_after:.3f}")
    elif done.loss_before:
        lines.append(f"  training made nothing better: loss {done.loss_before:.3f} without it, which is kept")
    return lines
