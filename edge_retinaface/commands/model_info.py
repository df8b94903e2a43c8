"""`edge-retinaface model list` and `info`: what is in the store."""

import json
import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge_retinaface.commands.paths import as_path
from edge_retinaface.errors import UNREADABLE, ModelError, UsageError
from edge_retinaface.model_file import Compression, ModelFile, read_model
from edge_retinaface.store.models import STORE, Store
from edge_retinaface.store.notes import REPORT, REQUEST, Report, Request, is_open, read_note

SHOWN = 12  # hexadecimal digits that tell models apart

StoreOption = Annotated[Path, typer.Option(parser=as_path, help="The folder of the models.")]
ReportOption = Annotated[Path, typer.Option(parser=as_path, help="Where the service says how a trial goes.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def list_models(as_json: JsonOption = False, store: StoreOption = STORE, report: ReportOption = REPORT) -> None:
    """The models of this device, newest first."""
    models = open_store(store)
    request = read_note(store / REQUEST, Request)
    note = read_note(report, Report)
    rows = []
    for one in models.models():
        state = "current" if one.is_current else "previous" if one.is_previous else ""
        if request is not None and is_open(request) and request.model == one.digest:
            state = f"on trial: {note.phase}" if note is not None and note.id == request.id else "on trial"
        rows.append({"sha256": one.digest, "state": state, "name": _card_name(one.path)})
    if as_json:
        typer.echo(json.dumps({"current": models.current, "previous": models.previous, "models": rows}))
        return
    for row in rows:
        typer.echo(f"{row['sha256'][:SHOWN]}  {row['state']:8}  {row['name']}")
    if models.current is None:
        typer.echo("the model that came with the package is in use")


def info(
    model: Annotated[
        str, typer.Argument(help="A file, or the start of a sha256 of the store [default: current].")
    ] = "",
    as_json: JsonOption = False,
    store: StoreOption = STORE,
) -> None:
    """What the card of a model says."""
    found = _find(model, store)
    if as_json:
        typer.echo(msgspec.json.encode(found.card))
        return
    card = found.card
    height, width = card.spec.input_hw
    accuracy = ", ".join(f"{name} {value}" for name, value in card.accuracy.items()) or "not measured"
    for name, value in (
        ("file", found.path),
        ("name", card.name),
        ("made", f"{card.created} by edge-retinaface {card.converter}"),
        ("input", f"{width}x{height} {card.spec.order}"),
        ("numbers", f"{card.quantization.mode}, {card.quantization.granularity}"),
        ("calibrated", f"with {card.quantization.images} pictures"),
        ("weights", f"{card.weights.format} {card.weights.sha256[:SHOWN]}{_compressed(card.weights.compression)}"),
        ("threshold", "not measured" if card.threshold is None else f"{card.threshold:g}"),
        ("accuracy", accuracy),
    ):
        typer.echo(f"{name:11} {value}")


def _compressed(done: Compression | None) -> str:
    if done is None:
        return ""
    before, after = (f"{macs / 1e6:.0f}" for macs in (done.macs_before, done.macs_after))
    return f", compressed from {before} to {after} million multiplications, trained {done.steps} steps"


def open_store(folder: Path) -> Store:
    """The store; only the device's own may be missing, as long as no model was installed. ModelError."""
    try:
        with os.scandir(folder):
            return Store(folder)
    except OSError as error:
        if folder == STORE and isinstance(error, FileNotFoundError):
            return Store(folder)
        raise ModelError(
            f"{folder}: wanted a folder of models, found: {error.strerror}", exit_code=UNREADABLE
        ) from error


def _find(model: str, store: Path) -> ModelFile:
    if Path(model).is_file():
        return read_model(model)
    models = open_store(store)
    if not model:
        return read_model(next(models.whole()))
    found = [one for one in models.models() if one.digest.startswith(model)]
    if not found:
        raise ModelError(f"{model}: wanted a file or a model of the store, found neither", exit_code=UNREADABLE)
    if len(found) > 1:
        raise UsageError(f"{model}: wanted the start of one sha256 of the store, found {len(found)} models of it")
    return read_model(found[0].path)


def _card_name(path: Path) -> str:
    try:
        return read_model(path).card.name
    except ModelError:
        return "damaged"
