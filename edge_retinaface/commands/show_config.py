"""`edge-retinaface show-config`: the configuration that is in force."""

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from edge_retinaface.assets import asset
from edge_retinaface.commands.paths import as_path
from edge_retinaface.config import load_config
from edge_retinaface.config import show_config as as_toml
from edge_retinaface.install import CONFIG

ConfigOption = Annotated[Path, typer.Option("--config", "-c", parser=as_path, help="Configuration file.")]
DEFAULT_CONFIG = Path(CONFIG)


def show_config(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="The JSON Schema of the configuration instead.")] = False,
) -> None:
    """Print the configuration with the environment and all defaults in it, and without secrets."""
    if schema:
        typer.echo(asset("deploy", "config.schema.json").read_text(), nl=False)
        return
    text = as_toml(load_config(config, os.environ))
    typer.echo(json.dumps(tomllib.loads(text), ensure_ascii=False) if as_json else text, nl=as_json)
