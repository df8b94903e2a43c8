"""`edge-retinaface bench`: how long a frame takes on this machine, and where."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from edge_retinaface.assets import default_model
from edge_retinaface.bench.compare import compare as compare_runs
from edge_retinaface.bench.records import Bench, from_json, to_json
from edge_retinaface.bench.run import bench as measure
from edge_retinaface.bench.table import differences, tables
from edge_retinaface.cameras import quiet_opencv
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.config import ModelSettings
from edge_retinaface.data import MOST_THREADS
from edge_retinaface.detector import RetinaFace
from edge_retinaface.errors import CHECK_FAILED, UNREADABLE, DataError, DelegateError
from edge_retinaface.files import read_file
from edge_retinaface.media import Medium, read_medium
from edge_retinaface.probing import ProbeError, run_probe

PIPED_WIDTH = 120  # columns where there is no terminal to ask


def bench(
    source: Annotated[
        Path, typer.Argument(parser=as_path, help="Picture or video whose frames are used.", show_default=False)
    ],
    model: Annotated[
        list[Path] | None, typer.Option(parser=as_path, help="Model file, may be given again [default: as for detect].")
    ] = None,
    threads: Annotated[
        list[int] | None, typer.Option(min=1, max=MOST_THREADS, help="May be given again [default: 1].")
    ] = None,
    delegate: Annotated[str, typer.Option(help="As in the configuration: edgetpu, or a library's path.")] = "",
    rounds: Annotated[int, typer.Option(min=20, help="Frames for every model and number of threads.")] = 200,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Least score of a face.")] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    output: Annotated[Path | None, typer.Option(parser=as_path, help="Also write the JSON into this file.")] = None,
    compare: Annotated[
        Path | None,
        typer.Option(parser=as_path, help="JSON of an older run; exit code 1 if this one is really slower or larger."),
    ] = None,
) -> None:
    """Time every stage from frame to message, start-up and memory; compare with an older run."""
    older = _read(compare) if compare else None
    if output:
        check_output(output)
    quiet_opencv()
    medium = Medium(source, Path(source.name))
    next(read_medium(medium))
    models, numbers = model or [default_model()], threads or [1]
    for path in models:
        _try(path, delegate)
    found = measure(
        models,
        numbers,
        medium,
        rounds=rounds,
        min_score=threshold,
        delegate=delegate,
        watch=_with_progress,
    )
    if output:
        output.write_bytes(to_json(found))
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False, highlight=False)
    if as_json:
        typer.echo(to_json(found))
    else:
        console.print(tables(found))
    for warning in found.machine.warnings if as_json else ():
        typer.echo(f"edge-retinaface: warning: {warning}", err=True)
    if older:
        _judge(older, found, compare, Console(stderr=as_json, width=console.width, markup=False, highlight=False))


def _try(path: Path, delegate: str) -> None:
    if not delegate:
        RetinaFace(path)
        return
    try:  # what breaks with it breaks in another process
        run_probe(ModelSettings(path=str(path), delegate=delegate))
    except ProbeError as error:
        raise DelegateError(f"{delegate}: {error}") from error


def _read(path: Path) -> Bench:
    try:
        return from_json(str(path), read_file(path))
    except OSError as error:
        raise DataError(f"{path}: wanted a bench run, found: {error.strerror}", exit_code=UNREADABLE) from error


def _judge(older: Bench, found: Bench, path: Path | None, console: Console) -> None:
    changes = compare_runs(older, found)
    if not changes:
        raise DataError(f"{path}: wanted a run of the same models, threads and frame size, found none")
    console.print(differences(changes))
    if any(one.regression for one in changes):
        raise typer.Exit(CHECK_FAILED)


def _with_progress(rounds: range) -> Iterator[int]:
    yield from track(rounds, "Frames", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
