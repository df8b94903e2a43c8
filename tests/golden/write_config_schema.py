"""Writes deploy/config.schema.json again, after the settings changed. Run from the project's root."""

import json
from pathlib import Path

from edge_retinaface.config import config_schema

Path("deploy/config.schema.json").write_text(json.dumps(config_schema(), indent=2) + "\n", "utf-8")
