"""`python -m convert.evaluation` is the command `eval`."""

import sys

import typer

from convert.evaluation.command import eval_command
from edge_retinaface.errors import EdgeRetinaFaceError

if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command(name="eval")(eval_command)
    try:
        app()
    except EdgeRetinaFaceError as error:
        typer.echo(f"eval: {error}", err=True)
        sys.exit(error.exit_code)
