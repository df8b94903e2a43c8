"""Whether the broker lets us in and lets us publish."""

import queue
import sys
from collections.abc import Iterator

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_retinaface import __version__
from edge_retinaface.checks.finding import Finding, failed
from edge_retinaface.config import Config, MqttSettings
from edge_retinaface.errors import ConfigError
from edge_retinaface.publishers.homeassistant import OFFLINE, discovery_payload, discovery_topic
from edge_retinaface.publishers.mqtt_client import connect_error, make_client
from edge_retinaface.publishers.topics import Topics

LIMIT_S = 10.0  # for the connection, and for each answer
NO_RIGHT = ("Not authorized", "Bad user name or password")
NO_RIGHT_ADVICE = "[mqtt] username, or the password in /etc/credstore/edge-retinaface.mqtt.password, is wrong"


def check_broker(config: Config, settings: MqttSettings, messages: dict[str, bytes]) -> Iterator[Finding]:
    """The findings "broker" and "broker publishes": the connection, then every topic with what is true of it.

    `messages` are detection messages by camera. The service must not run: its availability becomes offline.
    """
    endpoint = f"{settings.host}:{settings.effective_port}"
    said: queue.SimpleQueue[str] = queue.SimpleQueue()  # "" for success
    try:
        client = make_client(settings, f"{settings.prefix}-{config.device}-check")
    except ConfigError as error:
        yield failed("broker", error, "make the file readable for the user edge-retinaface")
        return
    _tell(client, said)
    client.loop_start()
    try:
        refusal = _wait(said)
        if refusal:
            address = f"is the broker up, and is {endpoint} its address? [mqtt] host, port, ca_file"
            advice = NO_RIGHT_ADVICE if refusal in NO_RIGHT else address
            yield failed("broker", f"{endpoint}: wanted a connection, found {refusal}", advice)
            return
        yield Finding("broker", ok=True, found=f"{endpoint}: connected{' with TLS' if settings.uses_tls else ''}")
        refused = [f"{topic} ({why})" for topic, why in _publish(client, config, settings, messages, said)]
        if refused:
            advice = "allow them in the broker's ACL: it is silent about what it does not pass on"
            yield failed("broker publishes", f"refused: {', '.join(refused)}", advice)
        else:
            yield Finding("broker publishes", ok=True, found="availability, discovery and detections are accepted")
    finally:
        client.disconnect()
        client.loop_stop()


def _publish(
    client: Client,
    config: Config,
    settings: MqttSettings,
    messages: dict[str, bytes],
    said: "queue.SimpleQueue[str]",
) -> Iterator[tuple[str, str]]:
    """Publish to one topic after the other; those that are refused, and why."""
    topics = Topics(settings.prefix, config.device)
    tried = [(topics.availability, OFFLINE.encode(), True)]
    tried += [(topics.faces(camera), message, False) for camera, message in messages.items()]
    if settings.discovery:
        payload = discovery_payload(topics, config.camera, __version__)
        tried.append((discovery_topic(settings.discovery, config.device), payload, True))
    for topic, payload, retain in tried:
        client.publish(topic, payload, qos=1, retain=retain)
        if refusal := _wait(said):
            yield topic, refusal


def _wait(said: "queue.SimpleQueue[str]") -> str:
    try:
        return said.get(timeout=LIMIT_S)
    except queue.Empty:
        return "no answer"


def _tell(client: Client, said: "queue.SimpleQueue[str]") -> None:
    """Have the outcome of the connection, then of each publication, put into `said`."""

    def on_connect(
        _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        said.put(str(reason) if reason.is_failure else "")

    def on_publish(_client: Client, _data: object, _packet: int, reason: ReasonCode, _properties: object) -> None:
        said.put(str(reason) if reason.is_failure else "")

    client.on_connect = on_connect
    client.on_connect_fail = lambda _client, _data: said.put(connect_error(sys.exception()))
    client.on_publish = on_publish
