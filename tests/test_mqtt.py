"""Against a real mosquitto."""

import json
import subprocess
import sys

import pytest
from mosquitto import AVAILABLE, MISSING, Broker, Heard, Watcher
from mqtt_bench import (
    AVAILABILITY,
    BASE,
    COUNT,
    DISCOVERY,
    FACES,
    ROOT,
    Start,
    publish,
    says,
    sequences,
)
from waiting import PATIENCE_S, eventually

from edge_retinaface.publishers import OK

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(not AVAILABLE, reason=MISSING),
    pytest.mark.usefixtures("no_leaks"),
]


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
        "from edge_retinaface.publishers.mqtt import MqttPublisher\n"
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
