"""Detection messages as the broker passes them on."""

import os
import queue
import sys
from collections.abc import Generator

import typer
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_retinaface.config import MqttSettings
from edge_retinaface.errors import PublishError
from edge_retinaface.publishers.mqtt_client import connect_error, make_client
from edge_retinaface.publishers.topics import Topics


def broker_lines(settings: MqttSettings, device: str) -> Generator[bytes]:
    """The payloads of the device's detection messages, for ever. PublishError if the first connection fails."""
    endpoint = f"{settings.host}:{settings.effective_port}"
    topic = Topics(settings.prefix, device).faces("+")
    inbox: queue.SimpleQueue[bytes | PublishError] = queue.SimpleQueue()
    connected = False

    def on_connect(
        client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        nonlocal connected
        if reason.is_failure:
            fail(str(reason))
            return
        connected = True
        client.subscribe(topic, qos=1)

    def on_subscribe(
        _client: Client, _data: object, _packet: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        if reasons[0].is_failure:
            inbox.put(PublishError(f"{endpoint}: wanted to subscribe to {topic}, found: {reasons[0]}"))

    def fail(found: str) -> None:
        if connected:
            typer.echo(f"{endpoint}: {found}; trying again", err=True)
        else:
            inbox.put(PublishError(f"{endpoint}: wanted a connection, found {found}"))

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        inbox.put(bytes(message.payload))

    client = make_client(settings, f"{settings.prefix}-{device}-listen-{os.getpid()}")
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.on_connect_fail = lambda _client, _data: fail(connect_error(sys.exception()))
    client.loop_start()
    try:
        while True:
            item = inbox.get()
            if isinstance(item, PublishError):
                raise item
            yield item
    finally:
        client.disconnect()
        client.loop_stop()
