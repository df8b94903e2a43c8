"""The command `convert edgetpu`."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from convert.edgetpu.comparison import compare
from convert.edgetpu.compiler import PROGRAM, Compiled, compile_model, find_compiler
from convert.edgetpu.graph import read_graph
from convert.edgetpu.report import as_dictionary, print_comparison, print_verdict
from convert.edgetpu.verdict import predict
from edge_retinaface.commands.paths import as_path, check_output
from edge_retinaface.errors import CHECK_FAILED
from edge_retinaface.model_file import CARD_NAME, ModelFile, read_content, read_model, write_model

WIDTH = 140  # columns, where the output is no terminal


def edgetpu_command(
    model: Annotated[Path, typer.Argument(parser=as_path, metavar="MODEL", help="Any .tflite file.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", parser=as_path, help="Where the compiled file goes; MODEL_edgetpu.tflite."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict what an Edge TPU runs of a model, operation by operation; compile it where its compiler is installed.

    Exit code 1 if something stays on the processor.
    """
    if output:
        check_output(output)
    content = read_content(model)
    graph = read_graph(content, str(model))
    verdict = predict(graph)
    program = None if verdict.compiled else find_compiler()
    compiled = compile_model(program, _flatbuffer(model, content), model.stem) if program else None
    log = compiled.log if compiled else None
    comparison = compare(verdict, log) if log else None
    if json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(as_dictionary(verdict, log, comparison))))
        sys.stdout.buffer.write(b"\n")
    else:
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        print_verdict(console, verdict)
        if log and comparison:
            print_comparison(console, log, comparison)
    if compiled and compiled.content:
        target = output or model.with_name(f"{model.stem}_edgetpu.tflite")
        _write(target, compiled, model, content)
        sys.stderr.write(f"{target}\n")
    elif not (program or verdict.compiled):
        sys.stderr.write(f"note: {PROGRAM} is not on the PATH; this is a prediction\n")
    mapped = log.all_mapped if log else verdict.mapped == len(verdict.ops)
    if not mapped:
        raise typer.Exit(CHECK_FAILED)


def _flatbuffer(path: Path, content: bytes) -> bytes:
    ours = _ours(path, content)
    return ours.flatbuffer if ours else content


def _ours(path: Path, content: bytes) -> ModelFile | None:
    """The model with its card, if it has one."""
    return read_model(path) if CARD_NAME.encode() in content else None


def _write(target: Path, compiled: Compiled, source: Path, content: bytes) -> None:
    """The compiled file; it keeps the card of the file it was made from."""
    ours = _ours(source, content)
    flatbuffer = compiled.content or b""
    if ours:
        write_model(target, flatbuffer, ours.card)
        return
    aside = target.with_name(f".{target.name}.aside")
    try:
        aside.write_bytes(flatbuffer)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
