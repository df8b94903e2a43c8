"""`edge-retinaface run`: the service."""

from typing import Annotated

import typer

from edge_retinaface.commands.serving import run_service
from edge_retinaface.commands.show_config import DEFAULT_CONFIG, ConfigOption


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False,
) -> None:
    """Watch the cameras and publish faces until SIGTERM; SIGHUP reads the configuration again."""
    run_service(config, verbose=verbose)
