"""The command `edge-retinaface`: results on stdout, everything else on stderr, one line for a user's mistake."""

import os
import sys
from typing import Annotated

import typer

from edge_retinaface import __version__
from edge_retinaface.commands import fleet, model
from edge_retinaface.commands.bench import bench
from edge_retinaface.commands.check import check
from edge_retinaface.commands.detect import detect
from edge_retinaface.commands.ending import exit_codes
from edge_retinaface.commands.install_service import install_service, uninstall_service
from edge_retinaface.commands.listen import listen
from edge_retinaface.commands.run import run
from edge_retinaface.commands.show_config import show_config

app = typer.Typer(
    name="edge-retinaface",
    help="Faces on a Raspberry Pi or Coral board.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(detect)
app.command()(run)
app.command()(check)
app.command()(listen)
app.command("show-config")(show_config)
app.command("install-service")(install_service)
app.command("uninstall-service")(uninstall_service)
app.add_typer(model.app, name="model")
app.add_typer(fleet.app, name="fleet")
app.command()(bench)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - how typer calls it
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """What every command takes."""


FORWARDED = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command(
    context_settings=FORWARDED,
    help="Build model files from trained weights; needs the extra: pip install 'edge-retinaface[convert]'.",
)
def convert(context: typer.Context) -> None:
    """Hand over to `python -m convert`."""
    _run_workshop("convert", context.args)


@app.command(
    name="eval",
    context_settings=FORWARDED,
    help="Measure a model file on annotated pictures: AP, recall by size, landmark error; needs the extra as well.",
)
def evaluate(context: typer.Context) -> None:
    """Hand over to `python -m convert.eval`, which needs no TensorFlow."""
    _run_workshop("convert.eval", context.args)


def _run_workshop(module: str, arguments: list[str]) -> None:
    """In this one's place: it never loads TensorFlow, and a signal finds only one process."""
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - our own module


def main() -> None:
    """Run the command line; the process ends with the exit codes of the user guide."""
    with exit_codes():
        app()


if __name__ == "__main__":
    main()
