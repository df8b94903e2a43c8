"""`edge-retinaface listen`: follow the service's socket, or the broker."""

import os
import sys
from collections.abc import Generator
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge_retinaface.client import Client
from edge_retinaface.commands.broker_lines import broker_lines
from edge_retinaface.commands.paths import as_path
from edge_retinaface.commands.show_config import DEFAULT_CONFIG, ConfigOption
from edge_retinaface.config import Config, SocketSettings, load_config
from edge_retinaface.errors import ConfigError
from edge_retinaface.message import DetectionMessage, Dropped

_MESSAGE = msgspec.json.Decoder(DetectionMessage)
_DROPPED = msgspec.json.Decoder(Dropped)


def listen(
    config: ConfigOption = DEFAULT_CONFIG,
    socket: Annotated[
        Path | None,
        typer.Option(parser=as_path, help="The service's socket [default: as configured].", show_default=False),
    ] = None,
    mqtt: Annotated[bool, typer.Option("--mqtt", help="Follow the configured broker instead of the socket.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, as everywhere but on a terminal.")
    ] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many messages.")] = None,
) -> None:
    """Print each detection message as it comes."""
    pretty = sys.stdout.isatty() and not as_json
    with closing(
        _broker(load_config(config, os.environ)) if mqtt else _socket(socket or _socket_path(config))
    ) as lines:
        for line in islice(lines, count):
            typer.echo(_pretty(line) if pretty else line.decode())


def _socket_path(config: Path) -> Path:
    """Where the configuration says; without a file where it is by default."""
    return Path((load_config(config, os.environ).socket if config.exists() else SocketSettings()).path)


def _socket(path: Path) -> Generator[bytes]:
    with Client(path) as client:
        for line in client.lines():
            if line.startswith(b'{"dropped":'):
                typer.echo(f"{_DROPPED.decode(line).dropped} messages lost here: this reader is too slow", err=True)
            else:
                yield line


def _broker(config: Config) -> Generator[bytes]:
    if config.mqtt is None:
        raise ConfigError("mqtt: wanted a broker to listen to, found none in the configuration")
    return broker_lines(config.mqtt, config.device)


def _pretty(line: bytes) -> str:
    """10:11:12.345  door  2 faces  0.99 0.87  42 ms old."""
    message = _MESSAGE.decode(line)
    clock = datetime.fromisoformat(message.time).astimezone().strftime("%H:%M:%S.%f")[:-3]
    count = f"{len(message.faces)} face{'' if len(message.faces) == 1 else 's'}"
    scores = " ".join(f"{face.score:.2f}" for face in message.faces)
    return f"{clock}  {message.camera}  {count}  {scores}{'  ' * bool(scores)}{message.age_ms:.0f} ms old"
