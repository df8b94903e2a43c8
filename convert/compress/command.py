"""The command `compress`, and the option of that name of `quantize`."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from convert.arguments import FamilyOption, Output, WeightsPath, read_noted
from convert.calibrate import folder_pictures
from convert.compress.macs import count_macs
from convert.compress.pipeline import Compressed, compress
from convert.compress.store import write_weights
from convert.distill.plan import Plan
from convert.weights import Weights
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.data import U8
from edge_retinaface.errors import UsageError

STANDARD = Plan()
MEGA = 1_000_000

Share = Annotated[
    float | None,
    typer.Option(min=0, max=1, show_default=False, help="How much of the network's multiplications may be left, 0..1."),
]
Steps = Annotated[int, typer.Option(min=0, help="Of training without labels; 0: none.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds make equal weights.")]


def compress_command(
    weights: WeightsPath,
    pictures: Annotated[
        Path, typer.Option(parser=as_path, help="A folder of pictures with faces like the device will see.")
    ],
    macs: Annotated[
        str | None, typer.Option(help="How many multiplications may be left at 480x640, such as 464M.")
    ] = None,
    share: Share = None,
    output: Output = None,
    family: FamilyOption = None,
    steps: Steps = STANDARD.steps,
    seed: Seed = STANDARD.seed,
) -> None:
    """Make a smaller network from trained weights: factorise, prune, then train it to say what the original says.

    The file is weights like any other: quantize, build and verify take it. An interrupted run goes on.
    """
    if (macs is None) == (share is None):
        raise UsageError("compress: wanted one of --macs and --share, found both or neither")
    budget = _parse_macs(macs) if macs else None
    check_output(output or Path(f"{weights.stem}.npz"))
    ready = read_noted(weights, family)
    done = compressed(ready, folder_pictures(pictures), budget or share_budget(ready, share or 0.0), steps, seed)
    path = output or Path(f"{weights.stem}-{round(done.compression.macs_after / MEGA)}M.npz")
    write_weights(path, done.weights)
    typer.echo(path)


def compressed(weights: Weights, pictures: Iterable[U8], budget: int, steps: int, seed: int) -> Compressed:
    """A smaller network; its training is kept in the current folder while it runs. What was done goes to stderr."""
    plan = STANDARD._replace(steps=steps, seed=seed)
    kept = Path(f".compress-{weights.source.sha256[:12]}-{budget}-{seed}.npz")
    check_output(kept)
    done = compress(weights, pictures, budget, plan, kept)
    kept.unlink(missing_ok=True)
    typer.echo("\n".join(describe(done)), err=True)
    return done


def share_budget(weights: Weights, share: float) -> int:
    """Multiplications at the reference size."""
    return int(share * count_macs(weights.convs))


def describe(done: Compressed) -> list[str]:
    """What was done, in lines."""
    one = done.compression
    lines = [f"{one.macs_before / MEGA:.0f} to {one.macs_after / MEGA:.0f} million multiplications at 480x640"]
    lines += [f"  {name}: rank {rank}" for name, rank in one.ranks.items()]
    lines += [f"  {name}: {width} channels" for name, width in one.widths.items()]
    if one.steps:
        lines.append(f"  trained {one.steps} steps: loss {done.loss_before:.3f} to {done.loss_after:.3f}")
    return lines


def _parse_macs(macs: str) -> int:
    match = re.fullmatch(r"(\d+)(M?)", macs)
    if not match or not int(match[1]):
        raise UsageError(f"--macs: wanted a number such as 464M, found {macs}")
    return int(match[1]) * (MEGA if match[2] else 1)
