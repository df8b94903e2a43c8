"""The command `edge-retinaface`: results on stdout, everything else on stderr, one line for a user's mistake."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from edge_retinaface import __version__
from edge_retinaface.commands.bench import bench
from edge_retinaface.commands.detect import detect
from edge_retinaface.errors import EdgeRetinaFaceError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it

app = typer.Typer(
    name="edge-retinaface",
    help="Faces on a Raspberry Pi or Coral board.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(detect)
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


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    help="Build model files from trained weights; needs the extra: pip install 'edge-retinaface[convert]'.",
)
def convert(context: typer.Context) -> None:
    """Hand over to `python -m convert`, a process of its own: this one never loads TensorFlow."""
    raise typer.Exit(subprocess.call([sys.executable, "-m", "convert", *context.args]))  # noqa: S603 - our own module


def main() -> None:
    """Run the command line; the process ends with the exit codes of the user guide."""
    try:
        app()
    except EdgeRetinaFaceError as error:
        typer.echo(f"edge-retinaface: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has left; nothing more to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
