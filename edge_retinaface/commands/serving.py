"""The service as a command, without what only other commands need: it stays in memory for months."""

import faulthandler
import logging
import os
from pathlib import Path

from edge_retinaface.commands.journal import journal_handler
from edge_retinaface.config import load_config
from edge_retinaface.service import leave, serve


def run_service(config: Path, *, verbose: bool) -> None:
    """Until it is told to stop."""
    faulthandler.enable()  # when the watchdog's SIGABRT comes, the journal shows where every thread hung
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[journal_handler(os.environ)])
    service = serve(lambda: load_config(config, os.environ), os.environ)
    if service.left_behind:
        leave(0)
