"""The configuration as it is in force, without its secrets."""

import json
from typing import Any

import msgspec

from edge_retinaface.config.secret import hide_passwords
from edge_retinaface.config.settings import Config


def show_config(config: Config) -> str:
    """TOML with every key that has a value; passwords read "(hidden)", those in URLs ***."""
    table = msgspec.to_builtins(config, enc_hook=repr)
    lines = _keys(table)
    for name, value in table.items():
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *_keys(value)]
    for camera in table["camera"]:
        lines += ["", "[[camera]]", *_keys(camera)]
    return "\n".join(lines) + "\n"


def _keys(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in table.items() if isinstance(value, str | int | float)]


def _toml(value: str | float) -> str:
    """JSON's strings, numbers and booleans are TOML's, but for the delete character."""
    if isinstance(value, str):
        value = hide_passwords(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
