"""Where the broker's password comes from."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from edge_retinaface.config.secret import Secret
from edge_retinaface.config.settings import MqttSettings
from edge_retinaface.errors import ConfigError
from edge_retinaface.files import read_file

CREDENTIAL = "mqtt.password"  # its name for systemd's LoadCredential=
CREDSTORE = Path("/etc/credstore/edge-retinaface.mqtt.password")  # where systemd finds it; only root can read it


def with_credential(settings: MqttSettings, environ: Mapping[str, str]) -> MqttSettings:
    """`settings` with the systemd credential as the password file, if there is one that can be read.

    The service finds it in $CREDENTIALS_DIRECTORY; root, who checks what the service will find, in the store itself.
    """
    directory = environ.get("CREDENTIALS_DIRECTORY")
    for path in ([Path(directory, CREDENTIAL)] if directory else []) + [CREDSTORE]:
        if os.access(path, os.R_OK):
            return replace(settings, password_file=str(path), password=None)
    return settings


def read_password(settings: MqttSettings) -> Secret | None:
    """The password, from its file or the configuration; None if there is none. ConfigError if it cannot be read."""
    if not settings.password_file:
        return settings.password
    wanted = f"mqtt.password_file: wanted a file that holds the password, found {settings.password_file}:"
    try:
        text = read_file(Path(settings.password_file)).decode().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{wanted} {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{wanted} not UTF-8 text") from error
    if not text:
        raise ConfigError(f"{wanted} empty")
    return Secret(text)
