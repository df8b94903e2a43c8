"""What every device of a broker says of itself: availability, which is kept there, and statistics."""

import os
import queue
import sys
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_retinaface.config import MqttSettings
from edge_retinaface.errors import PublishError
from edge_retinaface.publishers.homeassistant import ONLINE
from edge_retinaface.publishers.mqtt_client import connect_error, make_client
from edge_retinaface.publishers.topics import Topics

ANY = "+"
CONNECT_S = 10.0
SETTLE_S = 1.0  # a broker sends everything that it keeps at once; later there is nothing more to wait for


@dataclass
class Device:
    """What is known of one device."""

    availability: str = "unknown"
    stats: dict[str, Any] = field(default_factory=dict)  # a message.Stats; empty before the first


def watch(settings: MqttSettings, wait_s: float, wanted: set[str]) -> dict[str, Device]:
    """Every device, by name. PublishError if there is no connection.

    Ends when everyone online has sent statistics and those in `wanted` are online, after `wait_s` at the latest.
    """
    inbox: queue.SimpleQueue[tuple[str, bytes] | PublishError | None] = queue.SimpleQueue()
    client = _client(settings, inbox)
    client.loop_start()
    devices: dict[str, Device] = {}
    subscribed = False
    end = settled = monotonic() + CONNECT_S
    try:
        while (now := monotonic()) < end:
            if subscribed and now >= settled and _is_complete(devices, wanted):
                break
            try:
                item = inbox.get(timeout=min(SETTLE_S / 2, end - now))
            except queue.Empty:
                continue
            if isinstance(item, PublishError):
                raise item
            if item is None:
                subscribed = True
                settled, end = monotonic() + min(SETTLE_S, wait_s), monotonic() + wait_s
            else:
                _note(devices, *item)
    finally:
        client.disconnect()
        client.loop_stop()
    if not subscribed:
        raise PublishError(f"{settings.host}:{settings.effective_port}: wanted a connection, found no answer")
    return devices


def _client(settings: MqttSettings, inbox: queue.SimpleQueue[Any]) -> Client:
    endpoint = f"{settings.host}:{settings.effective_port}"
    topics = Topics(settings.prefix, ANY)
    both = f"{settings.prefix}/{ANY}/{ANY}"  # availability and stats; what cameras say is a level deeper
    last = {topics.availability.rpartition("/")[2], topics.stats.rpartition("/")[2]}

    def on_connect(
        client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            inbox.put(PublishError(f"{endpoint}: wanted a connection, found {reason}"))
        else:
            client.subscribe(both, qos=1)

    def on_subscribe(
        _client: Client, _data: object, _packet: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        refused = PublishError(f"{endpoint}: wanted to subscribe to {both}, found: {reasons[0]}")
        inbox.put(refused if reasons[0].is_failure else None)

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic.rpartition("/")[2] in last:
            inbox.put((message.topic.removeprefix(f"{settings.prefix}/"), bytes(message.payload)))

    client = make_client(settings, f"{settings.prefix}-fleet-{os.getpid()}")
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.on_connect_fail = lambda _client, _data: inbox.put(
        PublishError(f"{endpoint}: wanted a connection, found {connect_error(sys.exception())}")
    )
    return client


def _note(devices: dict[str, Device], topic: str, payload: bytes) -> None:
    name, _, what = topic.rpartition("/")
    device = devices.setdefault(name, Device())
    if what == "availability":
        device.availability = payload.decode(errors="replace") or "unknown"
    else:
        try:
            device.stats = msgspec.json.decode(payload, type=dict[str, Any])
        except msgspec.MsgspecError:
            device.stats = {}


def _is_complete(devices: dict[str, Device], wanted: set[str]) -> bool:
    online = {name for name, device in devices.items() if device.availability == ONLINE}
    return wanted <= online and all(devices[name].stats for name in online)
