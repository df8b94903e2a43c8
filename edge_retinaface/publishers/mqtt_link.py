"""The thread between our queue and paho's."""

import logging
import sys
import threading
import time
from collections.abc import Sequence

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_retinaface.publishers.ledger import WINDOW, Ledger
from edge_retinaface.publishers.mqtt_client import connect_error
from edge_retinaface.publishers.outbox import Outgoing
from edge_retinaface.publishers.protocol import OK

NO_RIGHT = (134, 135)  # reason codes of MQTT 5
FAREWELL_S = 0.5  # of the time to close, kept for the last publication
log = logging.getLogger(__name__)


class MqttLink:
    """Publishes in order, whatever happens to the connection; whoever puts something here never waits.

    paho's own thread moves bytes and reconnects. The thread here hands it no more than the broker takes at once: the
    rest stays in our queue, where the oldest can be dropped.
    """

    def __init__(self, client: Client, endpoint: str, queue: int, filters: Sequence[str], farewell: Outgoing) -> None:
        self._client = client
        self._endpoint = endpoint
        self._filters = filters  # subscribed to at every connect
        self._farewell = farewell
        self._changed = threading.Condition()  # guards all below; never held while paho is called, which has locks too
        self._ledger = Ledger(queue)
        self._closing_s: float | None = None  # monotonic; when to give up
        self._trouble = "no connection yet"
        self._tried = False  # to connect, with or without success
        self._refused = False  # by the broker, on the present attempt
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.loop_start()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def put(self, message: Outgoing) -> None:
        """Publish a detection message when its turn comes."""
        with self._changed:
            if self._closing_s is not None:
                self._ledger.outbox.dropped += 1
                return
            self._ledger.outbox.put(message)
            self._changed.notify()

    def set_latest(self, outgoing: Outgoing) -> None:
        """Publish the newest value of a topic, before the messages; nothing happens if the broker has it."""
        with self._changed:
            if self._ledger.outbox.set_latest(outgoing):
                self._changed.notify()

    def repeat_retained(self) -> None:
        """Publish every retained value again."""
        with self._changed:
            self._ledger.outbox.repeat_retained()
            self._changed.notify()

    def counters(self) -> dict[str, int]:
        """As Ledger.counters."""
        with self._changed:
            return self._ledger.counters()

    def health(self) -> str:
        """OK, or what is wrong with the connection or the rights."""
        with self._changed:
            if self._trouble:
                return f"mqtt: wanted a connection to {self._endpoint}, found {self._trouble}"
            refusals = [f"{topic} ({reason})" for topic, reason in self._ledger.refusals.items()]
            return f"mqtt: the broker refuses {', '.join(refusals)}" if refusals else OK

    def close(self, timeout_s: float) -> None:
        """Publish what waits, for at most `timeout_s` seconds; then the farewell. At once if there is no broker."""
        with self._changed:
            if self._closing_s is None:
                self._closing_s = time.monotonic() + timeout_s
                self._changed.notify()
        # bounded: paho's thread may hang in a name lookup; it then ends with the process
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                outgoing = None
                while not (outgoing or self._is_done()):
                    outgoing = self._ledger.next()
                    if not outgoing:
                        self._changed.wait(self._left_s(FAREWELL_S))
            if not outgoing:
                break
            self._send(outgoing)
        self._leave()

    def _send(self, outgoing: Outgoing) -> None:
        info = self._client.publish(outgoing.topic, outgoing.payload, outgoing.qos, outgoing.retain)
        with self._changed:
            if outgoing.qos == 0 and info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN:
                self._ledger.put_back(outgoing)
            else:  # with QoS 1 paho keeps it, whatever it returns
                self._ledger.published(info.mid, outgoing)

    def _is_done(self) -> bool:
        if self._closing_s is None:
            return False
        nothing_left = self._ledger.outbox.empty and not self._ledger.under_way
        away = self._tried and not self._ledger.connected
        return nothing_left or away or self._left_s(FAREWELL_S) == 0

    def _left_s(self, reserve_s: float) -> float | None:
        """Seconds until closing ends, less the reserve; None if nobody closes."""
        return None if self._closing_s is None else max(0.0, self._closing_s - reserve_s - time.monotonic())

    def _leave(self) -> None:
        with self._changed:
            self._ledger.give_up()
            connected = self._ledger.connected
        if connected:
            self._send(self._farewell)
            with self._changed:
                self._changed.wait_for(lambda: not self._ledger.under_way, self._left_s(0))
        self._client.disconnect()
        self._client.loop_stop()

    # paho calls these on its thread

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refused = True
            self._fail(f"{reason} (user or password)" if reason.value in NO_RIGHT else str(reason))
            return
        log.info("mqtt: connected to %s", self._endpoint)
        # retain as published: a retained command can be told from a fresh one whenever it comes
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        client.subscribe([(name, options) for name in self._filters])
        with self._changed:
            self._trouble, self._tried = "", True
            self._ledger.connect(getattr(properties, "ReceiveMaximum", WINDOW))
            self._changed.notify()

    def _on_connect_fail(self, _client: Client, _data: object) -> None:
        self._fail(connect_error(sys.exception()))  # paho calls this while it handles the error

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if self._ledger.connected:
            self._fail(f"a lost connection: {reason}" if self._closing_s is None else "it closed")
        elif not self._refused:  # else we know why already
            self._fail("no answer to MQTT (another port? TLS on one side only?)")
        self._refused = False

    def _fail(self, trouble: str) -> None:
        with self._changed:
            is_news = trouble != self._trouble
            self._trouble, self._tried = trouble, True
            self._ledger.disconnect()
            self._changed.notify()
        if is_news and self._closing_s is None:
            log.warning("mqtt: wanted a connection to %s, found %s; trying again", self._endpoint, trouble)

    def _on_publish(self, _client: Client, _data: object, packet: int, reason: ReasonCode, _properties: object) -> None:
        with self._changed:
            known = set(self._ledger.refusals)
            self._ledger.acknowledge(packet, str(reason) if reason.is_failure else "")
            news = self._ledger.refusals.keys() - known
            self._changed.notify()
        for topic in news:
            log.warning("mqtt: the broker refuses %s: %s", topic, reason)

    def _on_subscribe(
        self, _client: Client, _data: object, _packet: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        with self._changed:
            refused = {
                name: str(reason) for name, reason in zip(self._filters, reasons, strict=True) if reason.is_failure
            }
            self._ledger.refusals.update(refused)
