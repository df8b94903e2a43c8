"""`edge-retinaface run`: the service."""

import faulthandler
import logging
import os
from typing import Annotated

import typer

from edge_retinaface.commands.journal import journal_handler
from edge_retinaface.commands.show_config import DEFAULT_CONFIG, ConfigOption
from edge_retinaface.config import load_config
from edge_retinaface.service import leave, serve


def run(
    config: ConfigOption = DEFAULT_CONFIG,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False,
) -> None:
    """Watch the cameras and publish faces until SIGTERM; SIGHUP reads the configuration again."""
    faulthandler.enable()  # when the watchdog's SIGABRT comes, the journal shows where every thread hung
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[journal_handler(os.environ)])
    service = serve(lambda: load_config(config, os.environ), os.environ)
    if service.left_behind:
        leave(0)
