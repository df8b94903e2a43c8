"""`edge-retinaface check`: what works and what does not."""

import json
import logging
import os
from typing import Annotated

import typer

from edge_retinaface.cameras import quiet_opencv
from edge_retinaface.checks import run_checks
from edge_retinaface.commands.show_config import DEFAULT_CONFIG, ConfigOption
from edge_retinaface.errors import CHECK_FAILED

WIDTH = len("broker publishes")  # the longest name, as most cameras' names are shorter


def check(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a check.")] = False,
) -> None:
    """Try the configuration, the model, every camera and the broker; exit code 1 if something does not work."""
    logging.disable(logging.WARNING)  # the findings say it
    quiet_opencv()
    exit_code = 0
    for finding in run_checks(config, os.environ):
        if as_json:
            typer.echo(json.dumps(finding._asdict(), ensure_ascii=False))
        else:
            typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.name:{WIDTH}}  {finding.found}")
            if finding.advice:
                typer.echo(f"{'':{WIDTH + 8}}{finding.advice}")
        exit_code = exit_code if finding.ok else CHECK_FAILED
    raise typer.Exit(exit_code)
