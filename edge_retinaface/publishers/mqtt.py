"""Detection messages, state and commands over MQTT 5, with Home Assistant's discovery."""

import logging

from paho.mqtt.client import Client, MQTTMessage

from edge_retinaface.config import Config, MqttSettings
from edge_retinaface.publishers.homeassistant import (
    OFFLINE,
    ONLINE,
    STATUS_TOPIC,
    discovery_payload,
    discovery_topic,
)
from edge_retinaface.publishers.mqtt_client import make_client
from edge_retinaface.publishers.mqtt_link import MqttLink
from edge_retinaface.publishers.outbox import Outgoing
from edge_retinaface.publishers.protocol import Command, OnCommand
from edge_retinaface.publishers.topics import Topics

STATE_QOS = 1  # whatever the setting: a lost state would stay wrong
SHOWN = 40  # bytes of a strange payload
log = logging.getLogger(__name__)


class MqttPublisher:
    """Publishes to a broker, and goes on when the broker comes and goes. ConfigError if a file it needs is missing."""

    name = "mqtt"

    def __init__(self, config: Config, settings: MqttSettings, *, on_command: OnCommand, version: str) -> None:
        self._topics = Topics(settings.prefix, config.device)
        self._qos = settings.qos
        self._on_command = on_command
        self._discovery = discovery_topic(settings.discovery, config.device) if settings.discovery else None
        offline = self._state(self._topics.availability, OFFLINE)
        client = make_client(settings, f"{settings.prefix}-{config.device}", offline)
        client.on_message = self._on_message
        filters = [self._topics.commands, *([STATUS_TOPIC] if self._discovery else [])]
        endpoint = f"{settings.host}:{settings.effective_port}"
        self._link = MqttLink(client, endpoint, settings.queue, filters, offline)
        self._link.set_latest(self._state(self._topics.availability, ONLINE))
        if self._discovery:
            payload = discovery_payload(self._topics, config.camera, version)
            self._link.set_latest(Outgoing(self._discovery, payload, STATE_QOS, retain=True))
        self.counters = self._link.counters
        self.health = self._link.health
        self.close = self._link.close

    def publish(self, camera: str, message: bytes, faces: int) -> None:
        """Queue the message, and the count if it changed."""
        self._link.set_latest(self._state(self._topics.count(camera), str(faces)))
        self._link.put(Outgoing(self._topics.faces(camera), message, self._qos, counted=True))

    def publish_stats(self, stats: bytes) -> None:
        """Queue the statistics; those that have not gone out are replaced."""
        self._link.set_latest(Outgoing(self._topics.stats, stats, self._qos))

    def publish_state(self, camera: str, option: str, value: str) -> None:
        """Queue the option's value, retained."""
        self._link.set_latest(self._state(self._topics.state(camera, option), value))

    def remove_discovery(self) -> None:
        """Have Home Assistant forget the device and its entities, until a new publisher describes them again."""
        if self._discovery:
            self._link.set_latest(self._state(self._discovery, ""))

    @staticmethod
    def _state(topic: str, value: str) -> Outgoing:
        return Outgoing(topic, value.encode(), STATE_QOS, retain=True)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """On paho's thread: a command, or Home Assistant that has started."""
        if message.topic == STATUS_TOPIC:
            if message.payload == ONLINE.encode():
                self._link.repeat_retained()
            return
        addressed = self._topics.parse_command(message.topic)
        if addressed is None:
            return
        if message.retain:
            log.warning("mqtt: a retained command on %s is ignored; publish commands without retain", message.topic)
            return
        try:
            value = message.payload.decode()
        except UnicodeDecodeError:
            log.warning("mqtt: %s: wanted text, found %r", message.topic, message.payload[:SHOWN])
            return
        error = self._on_command(Command(*addressed, value))
        if error is not None:
            log.warning("mqtt: %s: %s", message.topic, error)
