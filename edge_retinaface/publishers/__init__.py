"""Where detections go: MQTT, a Unix socket, standard output; all behind one protocol."""

import os
from collections.abc import Mapping
from contextlib import ExitStack

from edge_retinaface import __version__
from edge_retinaface.config import Config
from edge_retinaface.message import Device
from edge_retinaface.publishers.memory import MemoryPublisher, Published
from edge_retinaface.publishers.protocol import OFF, OK, ON, Command, OnCommand, Publisher, ReadStats
from edge_retinaface.publishers.stdout import StdoutPublisher
from edge_retinaface.publishers.unix_socket import SocketPublisher

__all__ = [
    "OFF",
    "OK",
    "ON",
    "Command",
    "MemoryPublisher",
    "OnCommand",
    "Published",
    "Publisher",
    "ReadStats",
    "SocketPublisher",
    "StdoutPublisher",
    "open_publishers",
]


def open_publishers(
    config: Config, on_command: OnCommand, stats: ReadStats, environ: Mapping[str, str] = os.environ
) -> tuple[Publisher, ...]:
    """The publishers that the configuration asks for. ConfigError or PublishError, and none, if one cannot be.

    `on_command` and `stats` are called on the publishers' threads: they return at once and raise nothing. `environ` is
    where systemd says which sockets it passed.
    """
    publishers: list[Publisher] = []
    with ExitStack() as undo:
        if config.socket.path:
            device = Device(device=config.device, version=__version__)
            publishers.append(
                SocketPublisher(config.socket, device, on_command=on_command, stats=stats, environ=environ)
            )
            undo.callback(publishers[-1].close, 0)
        if config.mqtt is not None:
            # 9 MiB with its client and TLS, which a device without a broker does without
            from edge_retinaface.publishers.mqtt import MqttPublisher  # noqa: PLC0415

            publishers.append(MqttPublisher(config, config.mqtt, on_command=on_command, version=__version__))
            undo.callback(publishers[-1].close, 0)
        if config.stdout.enabled:
            publishers.append(StdoutPublisher())
        undo.pop_all()
    return tuple(publishers)
