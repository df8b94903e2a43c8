"""Settings from the environment: EDGE_RETINAFACE_MQTT__HOST is mqtt.host, …CAMERA__0__URI is camera[0].uri."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_retinaface.errors import ConfigError

PREFIX = "EDGE_RETINAFACE_"


class FromEnvironment(NamedTuple):
    """A value whose type is not known yet, and the variable to name in a complaint."""

    variable: str
    text: str

    def readings(self) -> Iterator[object]:
        """What the text can mean, likeliest first: a TOML scalar, then the text as it stands."""
        try:
            table = tomllib.loads(f"value = {self.text}")
        except tomllib.TOMLDecodeError:
            table = {}
        if table.keys() == {"value"} and isinstance(table["value"], str | int | float):  # bool is an int
            yield table["value"]
        yield self.text


def overlay(table: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Put what the environment says into `table`, over what the file said; a number one past a list's end appends."""
    names = [name for name in environ if name.startswith(PREFIX)]
    # camera 2 before camera 10: each appends to the one before
    for name in sorted(names, key=lambda name: [key.zfill(8) for key in name.split("__")]):
        _place(table, name.removeprefix(PREFIX).lower().split("__"), FromEnvironment(name, environ[name]))


def variable_of(value: object) -> str | None:
    """The first environment variable that had a part in `value`; None if it is all from the file."""
    if isinstance(value, FromEnvironment):
        return value.variable
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for part in parts if (found := variable_of(part))), None)


def _place(table: dict[str, Any], keys: list[str], value: FromEnvironment) -> None:
    node: Any = table
    for depth, key in enumerate(keys[:-1]):
        if isinstance(node, list):
            node = _item(node, key, value.variable)
        else:
            node = node.setdefault(key, [] if keys[depth + 1].isdecimal() else {})
        if not isinstance(node, dict | list):
            raise ConfigError(
                f"{value.variable}: wanted a table at {'.'.join(keys[: depth + 1])}, found a single value"
            )
    if isinstance(node, list):
        raise ConfigError(f"{value.variable}: wanted the name of a key after the number, found none")
    node[keys[-1]] = value


def _item(items: list[Any], key: str, variable: str) -> object:
    if not key.isdecimal() or int(key) > len(items):
        raise ConfigError(f"{variable}: wanted a number from 0 to {len(items)}, found {key!r}")
    if int(key) == len(items):
        items.append({})
    return items[int(key)]
