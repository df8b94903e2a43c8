"""The configuration file, the environment and the credentials, put together and checked."""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from edge_retinaface.config.build import Place, build
from edge_retinaface.config.checks import check
from edge_retinaface.config.environ import overlay, variable_of
from edge_retinaface.config.password import with_credential
from edge_retinaface.config.secret import hide_passwords
from edge_retinaface.config.settings import Config
from edge_retinaface.errors import ConfigError
from edge_retinaface.files import check_file


def load_config(path: str | os.PathLike[str], environ: Mapping[str, str]) -> Config:
    """The configuration at `path` with the environment over it. ConfigError, one line, if anything in it is wrong."""
    place = Place(str(path))
    table = _read(Path(path))
    overlay(table, environ)
    if variable := variable_of(_part(table, "mqtt", "password")):
        raise ConfigError(
            f"{variable}: wanted the password in a file (mqtt.password_file), found it in the environment"
        )
    config = build(Config, table, place)
    if config.mqtt is not None:
        config = replace(config, mqtt=with_credential(config.mqtt, environ))
    check(config, place)
    return config


def _read(path: Path) -> dict[str, Any]:
    """The file's table. ConfigError if a password stands in it and other users may read it."""
    try:
        check_file(path)
        with path.open("rb") as file:
            table = tomllib.load(file)
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except OSError as error:
        raise ConfigError(f"{path}: wanted a configuration file, found: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: wanted UTF-8 text, found byte {error.object[error.start]:#04x}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: wanted TOML, found: {error}") from error
    key = _password_key(table)
    if key and mode & stat.S_IROTH:
        wanted = "a file that other users cannot read, because a password stands here"
        raise ConfigError(f"{path}: {key}: wanted {wanted}, found mode {mode:04o} (chmod o-r)")
    return table


def _password_key(table: dict[str, Any]) -> str:
    """The key of the first password in the file, "" if there is none."""
    if _part(table, "mqtt", "password") is not None:
        return "mqtt.password"
    cameras = table.get("camera")
    for index, camera in enumerate(cameras if isinstance(cameras, list) else []):
        uri = camera.get("uri") if isinstance(camera, dict) else None
        if isinstance(uri, str) and hide_passwords(uri) != uri:
            return f"camera[{index}].uri"
    return ""


def _part(table: dict[str, Any], name: str, key: str) -> object:
    part = table.get(name)
    return part.get(key) if isinstance(part, dict) else None
