"""A paho client made from the settings, and its errors in words."""

import ssl

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_retinaface.config import MqttSettings, read_password
from edge_retinaface.errors import ConfigError
from edge_retinaface.publishers.ledger import WINDOW
from edge_retinaface.publishers.outbox import Outgoing

RECONNECT_S = (1, 30)  # first and longest pause between attempts


def make_client(settings: MqttSettings, client_id: str, will: Outgoing | None = None) -> Client:
    """A client that is ready to connect and to reconnect for ever. ConfigError if a file it needs is not there.

    MQTT 5: older versions cannot say that a publication was refused.
    """
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
    password = read_password(settings)
    if password is not None:
        client.username_pw_set(settings.username, password.reveal())
    if settings.uses_tls:
        client.tls_set_context(_tls_context(settings))
    if will is not None:
        client.will_set(will.topic, will.payload, will.qos, will.retain)
    client.max_inflight_messages_set(WINDOW)
    client.reconnect_delay_set(*RECONNECT_S)
    client.connect_async(settings.host, settings.effective_port, settings.keepalive_s)
    return client


def connect_error(error: BaseException | None) -> str:
    """Why there is no connection, for a person."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"a certificate that is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer"
    return str(getattr(error, "strerror", None) or error)


def _tls_context(settings: MqttSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise _no_file("ca_file", "a PEM file of certificates", settings.ca_file, error) from error
    if settings.cert_file:
        try:
            # the empty password: a key with a passphrase is refused, and not asked for on a terminal
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
        except OSError as error:
            found = f"{settings.cert_file} and {settings.key_file}"
            raise _no_file("cert_file", "a PEM certificate and its key without a passphrase", found, error) from error
    return context


def _no_file(key: str, wanted: str, found: str, error: OSError) -> ConfigError:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return ConfigError(f"mqtt.{key}: wanted {wanted}, found {found}: {reason}")
