"""Against a real mosquitto."""

import json
import logging
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mosquitto import AVAILABLE, MISSING, PERSISTENT, Broker, Certificates, Heard, Watcher, make_certificates
from waiting import PATIENCE_S, eventually

from edge_retinaface.config import CameraSettings, Config, MqttSettings, Secret
from edge_retinaface.errors import ConfigError
from edge_retinaface.publishers import OK, Command, MqttPublisher
from edge_retinaface.publishers.ledger import WINDOW

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(not AVAILABLE, reason=MISSING),
    pytest.mark.usefixtures("no_leaks"),
]
ROOT = Path(__file__).parent.parent
BASE = "edge_retinaface/pi"
FACES, COUNT, AVAILABILITY = f"{BASE}/door/faces", f"{BASE}/door/count", f"{BASE}/availability"
DISCOVERY = "homeassistant/device/edge_retinaface_pi/config"
ANONYMOUS = "allow_anonymous true\n"

Start = Callable[..., MqttPublisher]
RunBroker = Callable[[str], Broker]


class Commands(list[Command]):
    def take(self, command: Command) -> str | None:
        self.append(command)
        return None if command.camera == "door" else f"wanted the camera door, found {command.camera}"


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def run_broker(tmp_path: Path) -> Iterator[RunBroker]:
    """Starts a broker with these settings; it ends after the publishers, which would else wait for it."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(Broker(tmp_path, settings))


@pytest.fixture
def broker(run_broker: RunBroker) -> Broker:
    return run_broker(ANONYMOUS + PERSISTENT)


@pytest.fixture
def start(run_broker: object, commands: Commands) -> Iterator[Start]:  # noqa: ARG001 - its end comes after ours
    started: list[MqttPublisher] = []

    def start_one(port: int, **settings: Any) -> MqttPublisher:  # noqa: ANN401 - as MqttSettings
        mqtt = MqttSettings(**{"host": "127.0.0.1", "port": port} | settings)
        config = Config(device="pi", camera=(CameraSettings(name="door", uri="picamera:0"),), mqtt=mqtt)
        publisher = MqttPublisher(config, mqtt, on_command=commands.take, version="1.2.3")
        started.append(publisher)
        return publisher

    yield start_one
    while started:
        started.pop().close(5)


def publish(publisher: MqttPublisher, *numbers: int, faces: int = 0) -> None:
    for number in numbers:
        publisher.publish("door", b'{"sequence":%d}' % number, faces)


def sequences(watcher: Watcher) -> list[int]:
    return [json.loads(payload)["sequence"] for payload in watcher.of(FACES)]


def well(publisher: MqttPublisher) -> bool:
    return eventually(lambda: publisher.health() == OK)


def says(publisher: MqttPublisher, text: str) -> bool:
    return eventually(lambda: text in publisher.health()) or bool(pytest.fail(publisher.health()))


def test_messages_arrive_in_order_and_the_count_when_it_changes(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port)
        for number in range(300):
            publish(publisher, number, faces=number // 100)
            assert eventually(lambda: publisher.counters()["queued"] < 200)
        assert eventually(lambda: len(watcher.of(FACES)) == 300)
        assert sequences(watcher) == list(range(300))
        assert eventually(lambda: watcher.of(COUNT)[-1:] == [b"2"])
        counts = watcher.of(COUNT)
        assert counts == sorted(set(counts))
        assert not any(heard.retain for heard in watcher.heard)
        assert eventually(lambda: publisher.counters()["queued"] == 0)
        assert publisher.counters() == {
            "sent": 300, "refused": 0, "lost": 0, "connects": 1, "dropped": 0, "queued": 0,
        }  # fmt: skip


def test_who_comes_later_finds_availability_count_state_and_discovery(broker: Broker, start: Start) -> None:
    publisher = start(broker.port)
    publisher.publish_state("door", "enabled", "ON")
    publisher.publish_state("door", "threshold", "0.6")
    publisher.publish_state("door", "threshold", "0.7")
    publisher.publish_stats(b"{}")
    publish(publisher, 1, faces=3)
    assert eventually(lambda: publisher.counters()["sent"] == 1)
    with Watcher(broker.port) as watcher:
        assert eventually(lambda: len(watcher.heard) >= 5)
        retained = {heard.topic: heard.payload for heard in watcher.heard}
        described = json.loads(retained.pop(DISCOVERY))
        assert retained == {
            AVAILABILITY: b"online",
            COUNT: b"3",
            f"{BASE}/door/state/enabled": b"ON",
            f"{BASE}/door/state/threshold": b"0.7",
        }
        assert described["origin"]["sw_version"] == "1.2.3"


def test_every_message_in_the_queue_survives_a_broker_that_is_killed(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port, queue=256)
        publish(publisher, *range(50))
        assert eventually(lambda: len(watcher.of(FACES)) == 50)
        assert eventually(lambda: publisher.counters()["sent"] == 50)
        broker.save()
        broker.kill()
        assert says(publisher, "wanted a connection")
        publish(publisher, *range(50, 306))
        assert publisher.counters()["queued"] == 256
        before = len(watcher.heard)
        broker.start()
        assert eventually(lambda: len(watcher.of(FACES)) >= 306)
        assert eventually(lambda: publisher.counters()["queued"] == 0)
        assert sequences(watcher) == list(range(306))  # each once, in order
        assert (publisher.counters()["dropped"], publisher.counters()["connects"]) == (0, 2)
        topics = [heard.topic for heard in watcher.heard[before:] if not heard.retain]
        assert {AVAILABILITY, DISCOVERY, COUNT} <= set(topics[: topics.index(FACES)])  # told again, and first
        assert watcher.of(AVAILABILITY)[-1] == b"online"


def test_while_the_broker_is_away_the_oldest_are_dropped_and_counted(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port, queue=10)
        assert well(publisher)
        broker.save()
        broker.kill()
        assert says(publisher, "wanted a connection")
        publish(publisher, *range(100), faces=4)
        counters = publisher.counters()
        assert (counters["dropped"], counters["queued"]) == (90, 10)
        broker.start()
        assert eventually(lambda: len(watcher.of(FACES)) == 10)
        assert sequences(watcher) == list(range(90, 100))
        assert watcher.of(COUNT) == [b"4"]


def test_a_broker_that_is_killed_again_and_again_loses_nothing_that_it_did_not_acknowledge(
    broker: Broker, start: Start
) -> None:
    kills = 3
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port, queue=1000)
        assert well(publisher)
        broker.save()
        number = 0
        for _ in range(kills):
            for _ in range(100):
                publish(publisher, number)
                number += 1
            broker.kill()
            for _ in range(100):
                publish(publisher, number)
                number += 1
            broker.start()
            assert well(publisher)
        assert eventually(lambda: publisher.counters()["queued"] == 0)
        counters = publisher.counters()
        assert (counters["sent"], counters["dropped"], counters["lost"]) == (number, 0, 0)
        assert eventually(lambda: number - 1 in sequences(watcher))
    heard = sequences(watcher)
    first_heard = list(dict.fromkeys(heard))
    assert first_heard == sorted(first_heard)
    # twice: what was delivered but not acknowledged. never: what the broker acknowledged and took to its grave
    assert len(heard) - len(first_heard) <= kills * WINDOW


def test_a_frozen_broker_blocks_nobody(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port, queue=50, keepalive_s=2)
        assert well(publisher)
        broker.freeze()
        publish(publisher, *range(10_000))
        counters = publisher.counters()
        assert counters["queued"] <= 50 + WINDOW
        assert counters["dropped"] + counters["queued"] + counters["sent"] == 10_000
        assert says(publisher, "wanted a connection")  # noticed by silence alone
        broker.thaw()
        assert eventually(lambda: 9_999 in sequences(watcher))
        assert eventually(lambda: publisher.counters()["queued"] == 0)
        heard = list(dict.fromkeys(sequences(watcher)))
        assert heard == sorted(heard)
        assert heard[-50:] == list(range(9_950, 10_000))


def test_qos_0_loses_at_most_what_was_on_its_way(run_broker: RunBroker, start: Start) -> None:
    broker = run_broker(f"{ANONYMOUS}{PERSISTENT}queue_qos0_messages true\n")  # the watcher may come back later than us
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port, qos=0, queue=100)
        publish(publisher, *range(20))
        assert eventually(lambda: len(watcher.of(FACES)) == 20)
        broker.save()
        broker.kill()
        assert says(publisher, "wanted a connection")
        publish(publisher, *range(20, 120))
        broker.start()
        assert eventually(lambda: 119 in sequences(watcher))
        assert sequences(watcher) == list(range(120))  # nothing was on its way
        counters = publisher.counters()
        assert counters["sent"] == 120 - counters["lost"] - counters["dropped"]


@pytest.mark.parametrize("limit", [1, 3])
def test_a_broker_that_takes_few_at_once_gets_few_at_once(run_broker: RunBroker, start: Start, limit: int) -> None:
    broker = run_broker(f"{ANONYMOUS}max_inflight_messages {limit}\n")
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port)
        publish(publisher, *range(100))
        assert eventually(lambda: len(watcher.of(FACES)) == 100)
        assert sequences(watcher) == list(range(100))
        assert publisher.counters()["connects"] == 1  # a broker hangs up on who sends more than it takes


def test_close_sends_what_waits_and_says_offline(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port)
        publish(publisher, *range(200))  # before there is a connection
        publisher.close(PATIENCE_S)
        publish(publisher, 999)
        assert eventually(lambda: len(watcher.of(FACES)) == 200)
        assert eventually(lambda: watcher.of(AVAILABILITY) == [b"online", b"offline"])
        assert watcher.heard[-1] == Heard(AVAILABILITY, b"offline", retain=False)
        counters = publisher.counters()
        assert (counters["sent"], counters["dropped"], counters["queued"]) == (200, 1, 0)
        assert publisher.health() != OK


def test_close_without_a_broker_waits_for_nothing_and_counts(start: Start) -> None:
    publisher = start(1)
    assert says(publisher, "wanted a connection to 127.0.0.1:1, found Connection refused")
    publish(publisher, *range(10))
    publisher.close(PATIENCE_S)
    counters = publisher.counters()
    assert (counters["sent"], counters["dropped"], counters["queued"]) == (0, 10, 0)


def test_when_the_process_is_killed_the_broker_says_offline_and_a_new_one_online(broker: Broker) -> None:
    program = (
        "import sys, time\n"
        "from edge_retinaface.config import *\n"
        "from edge_retinaface.publishers import MqttPublisher\n"
        "mqtt = MqttSettings(host='127.0.0.1', port=int(sys.argv[1]))\n"
        "config = Config(device='pi', camera=(CameraSettings(name='door', uri='picamera:0'),), mqtt=mqtt)\n"
        "MqttPublisher(config, mqtt, on_command=lambda command: None, version='1')\n"
        "time.sleep(600)\n"
    )
    with Watcher(broker.port) as watcher:
        for round_ in (1, 2):
            with subprocess.Popen([sys.executable, "-c", program, str(broker.port)], cwd=ROOT) as process:
                assert eventually(lambda: watcher.of(AVAILABILITY)[-1:] == [b"online"])
                process.kill()
            assert eventually(lambda: watcher.of(AVAILABILITY)[-1:] == [b"offline"])
            assert watcher.of(AVAILABILITY) == [b"online", b"offline"] * round_


def test_commands_reach_the_service(
    broker: Broker, start: Start, commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = start(broker.port)
    assert well(publisher)
    with Watcher(broker.port) as watcher, caplog.at_level(logging.WARNING):
        for topic, value in (
            ("door/set/enabled", "OFF"),
            ("door/set/threshold", "0.8"),
            ("door/set/threshold/more", "1"),
            ("gate/set/enabled", "ON"),
            ("door/set/max_fps", b"\xff\xfe"),
            ("door/set/max_fps", "5"),
        ):
            watcher.publish(f"{BASE}/{topic}", value)
        assert eventually(lambda: len(commands) >= 4)
    assert commands == [
        Command("door", "enabled", "OFF"),
        Command("door", "threshold", "0.8"),
        Command("gate", "enabled", "ON"),
        Command("door", "max_fps", "5"),
    ]
    assert f"{BASE}/gate/set/enabled: wanted the camera door, found gate" in caplog.text
    assert f"{BASE}/door/set/max_fps: wanted text, found b'\\xff\\xfe'" in caplog.text
    assert publisher.health() == OK


def test_a_retained_command_is_ignored_with_a_warning_now_and_later(
    broker: Broker, start: Start, commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    first = start(broker.port)
    assert well(first)
    with Watcher(broker.port) as watcher, caplog.at_level(logging.WARNING):
        watcher.publish(f"{BASE}/door/set/enabled", "OFF", retain=True)
        assert eventually(lambda: "a retained command on edge_retinaface/pi/door/set/enabled is ignored" in caplog.text)
        first.close(5)
        caplog.clear()
        start(broker.port)
        assert eventually(lambda: "a retained command on edge_retinaface/pi/door/set/enabled is ignored" in caplog.text)
        watcher.publish(f"{BASE}/door/set/enabled", "ON")
        assert eventually(lambda: commands == [Command("door", "enabled", "ON")])


def test_discovery_and_state_are_told_again_when_home_assistant_starts(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port)
        publisher.publish_state("door", "enabled", "ON")
        assert eventually(lambda: len(watcher.of(f"{BASE}/door/state/enabled")) == 1)
        watcher.publish("homeassistant/status", "offline")
        watcher.publish("homeassistant/status", "online")
        assert eventually(lambda: len(watcher.of(DISCOVERY)) == 2)
        assert eventually(lambda: len(watcher.of(f"{BASE}/door/state/enabled")) == 2)
        assert len(set(watcher.of(DISCOVERY))) == 1


def test_discovery_can_be_removed_or_never_sent(broker: Broker, start: Start) -> None:
    with Watcher(broker.port) as watcher:
        publisher = start(broker.port)
        assert eventually(lambda: len(watcher.of(DISCOVERY)) == 1)
        publisher.remove_discovery()
        assert eventually(lambda: watcher.of(DISCOVERY)[-1] == b"")
        publisher.close(5)
    silent = start(broker.port, discovery="")
    silent.remove_discovery()
    assert well(silent)
    with Watcher(broker.port, "newcomer") as newcomer:
        assert eventually(lambda: newcomer.last(AVAILABILITY) == b"online")
        assert not newcomer.last(DISCOVERY)


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
