"""A real mosquitto's rights, passwords and certificates."""

import re
import socket
import subprocess
from pathlib import Path

import pytest
from mosquitto import AVAILABLE, MISSING, Certificates, Watcher, make_certificates
from mqtt_bench import (
    ANONYMOUS,
    AVAILABILITY,
    BASE,
    COUNT,
    DISCOVERY,
    FACES,
    ROOT,
    Commands,
    RunBroker,
    Start,
    publish,
    says,
    well,
)
from waiting import eventually

from edge_retinaface.config import Secret
from edge_retinaface.errors import ConfigError
from edge_retinaface.publishers import OK, Command

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(not AVAILABLE, reason=MISSING),
    pytest.mark.usefixtures("no_leaks"),
]


def test_a_refused_publication_is_counted_and_named(
    tmp_path: Path, run_broker: RunBroker, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "acl").write_text(
        f"topic write {AVAILABILITY}\ntopic read {BASE}/+/set/+\ntopic read homeassistant/#\nuser watcher\ntopic #\n"
    )
    broker = run_broker(f"{ANONYMOUS}acl_file {tmp_path}/acl\n")
    publisher = start(broker.port)
    publish(publisher, *range(5))
    assert eventually(lambda: publisher.counters()["refused"] == 5)
    assert publisher.counters()["sent"] == 0
    assert publisher.health() == (
        f"mqtt: the broker refuses {DISCOVERY} (Not authorized), {COUNT} (Not authorized), {FACES} (Not authorized)"
    )
    assert caplog.text.count(f"the broker refuses {FACES}: Not authorized") == 1


def test_the_rights_in_the_guide_are_enough_and_each_is_needed(
    tmp_path: Path, run_broker: RunBroker, start: Start, commands: Commands
) -> None:
    guide = (ROOT / "docs" / "guide" / "mqtt.md").read_text()
    (shown,) = re.findall(r"```text\nuser pi-hall\n(.*?)```", guide, re.DOTALL)
    rights = shown.replace("pi-hall", "pi")
    (tmp_path / "acl").write_text(f"user pi\n{rights}user watcher\ntopic #\n")
    broker = run_broker(f"{users(tmp_path, 'pi', 'watcher')}acl_file {tmp_path}/acl\n")
    publisher = start(broker.port, username="pi", password=Secret("swordfish"))
    publisher.publish_state("door", "enabled", "ON")
    publish(publisher, 1)
    assert eventually(lambda: publisher.counters()["sent"] == 1)
    with Watcher(broker.port, user=("watcher", "swordfish")) as watcher:
        assert eventually(lambda: watcher.last(DISCOVERY))
        watcher.publish("homeassistant/status", "online")
        watcher.publish(f"{BASE}/door/set/enabled", "OFF")
        assert eventually(lambda: commands == [Command("door", "enabled", "OFF")])
        assert eventually(lambda: len(watcher.of(DISCOVERY)) == 1)
    assert publisher.health() == OK
    assert publisher.counters()["refused"] == 0


def users(folder: Path, *names: str) -> str:
    """Settings of a broker that knows these users, all with the password swordfish."""
    passwords = folder / "passwords"
    passwords.touch()
    for name in names:
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, "swordfish"], check=True, capture_output=True)
    return f"allow_anonymous false\npassword_file {folder}/passwords\n"


def test_user_and_password_open_the_door_and_a_wrong_one_is_named_but_not_shown(
    tmp_path: Path, run_broker: RunBroker, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    broker = run_broker(users(tmp_path, "pi"))
    right = start(broker.port, username="pi", password=Secret("swordfish"))
    assert well(right)
    right.close(5)
    wrong = start(broker.port, username="pi", password=Secret("guppy"))
    assert says(wrong, "found Not authorized (user or password)")
    assert says(start(broker.port), "found Not authorized")
    assert "guppy" not in caplog.text
    assert "swordfish" not in caplog.text


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def tls(certificates: Certificates, *, wants_client: bool = False) -> str:
    return (
        f"cafile {certificates.ca}\ncertfile {certificates.server}\nkeyfile {certificates.server_key}\n"
        f"require_certificate {str(wants_client).lower()}\n"
    )


# paho leaves the socket of a failed handshake to Python to close
UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


@UNCLOSED
def test_tls_with_our_own_authority(run_broker: RunBroker, start: Start, certificates: Certificates) -> None:
    broker = run_broker(ANONYMOUS + tls(certificates))
    publisher = start(broker.port, ca_file=str(certificates.ca))
    publish(publisher, *range(100))
    assert eventually(lambda: publisher.counters()["sent"] == 100)
    other = start(broker.port, ca_file=str(certificates.other_ca))
    assert says(other, "found a certificate that is not trusted: ")
    system = start(broker.port, tls=True)
    assert says(system, "found a certificate that is not trusted: ")
    plain = start(broker.port)
    assert says(plain, "no answer to MQTT (another port? TLS on one side only?)")


@UNCLOSED
def test_a_certificate_for_another_name_is_not_trusted(
    run_broker: RunBroker, start: Start, certificates: Certificates
) -> None:
    broker = run_broker(ANONYMOUS + tls(certificates))
    elsewhere = start(broker.port, host="127.0.0.2", ca_file=str(certificates.ca))
    assert says(elsewhere, "wanted a connection to 127.0.0.2")
    assert not eventually(lambda: elsewhere.counters()["connects"], patience_s=0.2)


@UNCLOSED
def test_a_broker_that_wants_a_client_certificate_gets_it(
    run_broker: RunBroker, start: Start, certificates: Certificates
) -> None:
    broker = run_broker(ANONYMOUS + tls(certificates, wants_client=True))
    ours = {"ca_file": str(certificates.ca)}
    mutual = start(broker.port, cert_file=str(certificates.client), key_file=str(certificates.client_key), **ours)
    assert well(mutual)
    assert says(start(broker.port, **ours), "wanted a connection")


def test_files_that_cannot_be_used_are_named(start: Start, certificates: Certificates, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^mqtt\.ca_file: wanted a PEM file .*/none: No such file or directory$"):
        start(1, ca_file=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"^mqtt\.ca_file: wanted a PEM file of certificates"):
        start(1, ca_file=str(certificates.client_key))
    with pytest.raises(
        ConfigError, match=r"^mqtt\.cert_file: wanted a PEM certificate and its key.*KEY_VALUES_MISMATCH"
    ):
        start(1, cert_file=str(certificates.client), key_file=str(certificates.server_key))
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-aes128", "-passout", "pass:x", "-in", certificates.client_key, "-out", locked],
        check=True,
        capture_output=True,
    )
    with pytest.raises(
        ConfigError, match=r"^mqtt\.cert_file: wanted a PEM certificate and its key without a passphrase"
    ):
        start(1, cert_file=str(certificates.client), key_file=str(locked))


def test_a_port_where_nobody_speaks_mqtt_blocks_nobody(start: Start) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        publisher = start(silent.getsockname()[1], queue=10, keepalive_s=1)
        publish(publisher, *range(1000))
        assert publisher.counters()["dropped"] == 990
        assert says(publisher, "no answer to MQTT")
