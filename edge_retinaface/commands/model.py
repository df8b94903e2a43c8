"""`edge-retinaface model`: the models of this device."""

import re
import uuid
from pathlib import Path
from typing import Annotated

import typer

from edge_retinaface.checks.model import check_model
from edge_retinaface.commands.model_info import SHOWN, ReportOption, StoreOption, info, list_models, open_store
from edge_retinaface.commands.paths import as_path
from edge_retinaface.commands.trial import await_verdict
from edge_retinaface.config import ModelSettings
from edge_retinaface.delegates import is_for_edgetpu
from edge_retinaface.errors import CHECK_FAILED, ModelError, UsageError
from edge_retinaface.model_file import read_content
from edge_retinaface.store.models import STORE, Store
from edge_retinaface.store.notes import (
    REPORT,
    Gates,
    Report,
    Request,
    is_running,
    read_note,
    withdraw_request,
    write_request,
)
from edge_retinaface.store.signature import SIGNERS, verify

DEFAULTS = Gates()

app = typer.Typer(help="Install, list, show and take back models on this device.", no_args_is_help=True)
app.command(name="list")(list_models)
app.command()(info)


@app.command()
def install(
    path: Annotated[
        Path, typer.Argument(parser=as_path, metavar="FILE|DIRECTORY", help="A model file, or a folder that holds one.")
    ],
    verify_key: Annotated[
        Path | None,
        typer.Option(
            parser=as_path,
            help=f"Public key or allowed signers for the file's .sig [default: {SIGNERS} where it exists].",
        ),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each phase, at least.")] = DEFAULTS.frames,
    health: Annotated[
        float, typer.Option(min=0, help="Seconds in use before it counts, at least.")
    ] = DEFAULTS.health_s,
    min_agreement: Annotated[
        float, typer.Option(min=0, max=1, help="Share of sure faces that both models find.")
    ] = DEFAULTS.min_agreement,
    max_slowdown: Annotated[
        float, typer.Option(min=0, help="Its time against the current model's.")
    ] = DEFAULTS.max_slowdown,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for the whole trial.")] = 600,
    trial: Annotated[bool, typer.Option(help="Try it on live frames before it counts.")] = True,
    store: StoreOption = STORE,
    report: ReportOption = REPORT,
) -> None:
    """Put a model into the store, try it beside the running one, and make it the current one if it stands that."""
    path = _one_model(path)
    content = read_content(path)
    signers = verify_key or (SIGNERS if SIGNERS.exists() else None)
    if signers is not None:
        _tell(f"{path}: signed by {verify(path, content, signers)}")
    models = Store(store)
    with models.locked():
        digest = models.add(path, content)
        if digest == models.current:
            withdraw_request(store)
            typer.echo(f"{digest[:SHOWN]} is the current model already")
            return
        _check(path, content, models.path(digest))
        if trial and is_running(read_note(report, Report)):
            gates = Gates(frames=frames, health_s=health, min_agreement=min_agreement, max_slowdown=max_slowdown)
            _try(models, digest, gates, report, timeout)
        else:
            _tell("no trial on live frames" if not trial else "no service runs here: no trial on live frames")
        models.switch(digest)
        withdraw_request(store)
        for gone in models.prune():
            _tell(f"{gone[:SHOWN]} removed: {len(models.models())} newer models are kept")
    typer.echo(f"{digest[:SHOWN]} is the current model")


@app.command()
def rollback(
    only_from: Annotated[
        str | None, typer.Option("--from", help="Only if the current model's sha256 starts with this; else do nothing.")
    ] = None,
    store: StoreOption = STORE,
) -> None:
    """Go back to the model that was in use before; the service takes it over within seconds."""
    if only_from is not None and not re.fullmatch("[0-9a-f]{1,64}", only_from):
        raise UsageError(f"--from: wanted the start of a sha256, up to 64 digits 0-9 a-f, found {only_from!r}")
    models = open_store(store)
    with models.locked():
        withdraw_request(store)
        if not (models.current or "").startswith(only_from or ""):
            typer.echo(f"{_name(models.current)} stays the current model: it is not {only_from}")
            return
        typer.echo(f"{_name(models.rollback())} is the current model")


def _try(models: Store, digest: str, gates: Gates, report: Path, timeout_s: float) -> None:
    """Ask the service to try the model and wait; ModelError if it failed. The request is gone only if it did."""
    request = Request(id=uuid.uuid4().hex, model=digest, gates=gates)
    write_request(models.folder, request)
    try:
        await_verdict(report, request, timeout_s, _tell)
    except BaseException:
        withdraw_request(models.folder)
        raise


def _check(path: Path, content: bytes, stored: Path) -> None:
    """ModelError unless the model loads and runs, in a process of its own."""
    if is_for_edgetpu(content):
        _tell("compiled for the Edge TPU: only the service, which has the accelerator, can load it")
        return
    loaded = check_model(ModelSettings(path=str(stored)))
    if not loaded.ok:
        raise ModelError(f"{path}: {loaded.found}", exit_code=CHECK_FAILED)
    _tell(f"loads: {loaded.found}")


def _one_model(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.tflite"))
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise ModelError(f"{path}: wanted a folder with one .tflite file, found {names}")
    return found[0]


def _name(digest: str | None) -> str:
    return digest[:SHOWN] if digest else "the model that came with the package"


def _tell(line: str) -> None:
    typer.echo(line, err=True)
