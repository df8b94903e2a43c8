"""A table of plain values to a Struct: every refusal says where, what was wanted, what was found."""

import difflib
import json
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, inspect

from edge_retinaface.config.environ import FromEnvironment, variable_of
from edge_retinaface.config.secret import Secret, hide_passwords
from edge_retinaface.config.wanted import bare, wanted
from edge_retinaface.errors import ConfigError

S = TypeVar("S", bound=Struct)
SHOWN = 60  # characters of a wrong value; more does not help to find it


class Place(NamedTuple):
    """Where a value stands."""

    file: str
    key: str = ""  # mqtt.port, camera[0].uri

    def of(self, name: str) -> "Place":
        """The place of a key in this table."""
        name = name if name.isprintable() else _quoted(name)
        return self._replace(key=f"{self.key}.{name}" if self.key else name)

    def error(self, wanted: str, found: str, value: object = None) -> ConfigError:
        """One line; names the variable instead of the file when `value` came from the environment."""
        return ConfigError(f"{variable_of(value) or self.file}: {self.key}: wanted {wanted}, found {found}")


def build(struct: type[S], table: object, place: Place) -> S:
    """`table` as a `struct`, defaults filled in. ConfigError at the first thing that does not fit."""
    if not isinstance(table, dict):
        raise place.error("a table", _found(table), table)
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    for name, value in table.items():
        if name not in fields:
            raise place.of(name).error(_known(name, list(fields)), _quoted(name), value)
    values = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(field.type, table[name], place.of(name))
        elif field.required:
            raise place.of(name).error(wanted(inspect.type_info(field.type)), "nothing", table)
    return struct(**values)


def _value(kind: Any, raw: object, place: Place) -> object:  # noqa: ANN401 - an annotation has no type of its own
    info = bare(inspect.type_info(kind))
    if isinstance(info, inspect.StructType):
        return build(info.cls, raw, place)
    if isinstance(info, inspect.VarTupleType):
        return _structs(info, raw, place)
    for reading in raw.readings() if isinstance(raw, FromEnvironment) else (raw,):
        try:
            return msgspec.convert(reading, kind, dec_hook=_decode)
        except msgspec.ValidationError:
            continue
    found = "something else" if isinstance(info, inspect.CustomType) else _found(raw)  # a wrong password is still one
    raise place.error(wanted(inspect.type_info(kind)), found, raw)


def _structs(info: inspect.VarTupleType, raw: object, place: Place) -> tuple[Struct, ...]:
    item = info.item_type
    assert isinstance(item, inspect.StructType)  # noqa: S101 - no setting is a list of anything else
    if not isinstance(raw, list):
        raise place.error(wanted(info), _found(raw), raw)
    if not raw:
        raise place.error(wanted(info), "an empty list")
    return tuple(build(item.cls, table, place._replace(key=f"{place.key}[{index}]")) for index, table in enumerate(raw))


def _decode(kind: type, value: object) -> object:
    if kind is not Secret or not isinstance(value, str):
        raise TypeError(kind)
    return Secret(value)


def _known(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f'a known key (did you mean "{close[0]}"?)' if close else f"one of the keys {', '.join(names)}"


def _found(value: object) -> str:
    if isinstance(value, FromEnvironment):
        value = value.text
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        value = hide_passwords(value)
    text = _quoted(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _quoted(value: object) -> str:
    """As in TOML; a line feed or the like is escaped: a complaint is one line."""
    return json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable(), default=str)
