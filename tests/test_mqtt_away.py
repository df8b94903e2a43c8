"""A broker that is away, frozen or takes little at once: what survives, what is dropped, what is counted."""

import pytest
from mosquitto import AVAILABLE, MISSING, PERSISTENT, Broker, Watcher
from mqtt_bench import (
    ANONYMOUS,
    AVAILABILITY,
    COUNT,
    DISCOVERY,
    FACES,
    RunBroker,
    Start,
    publish,
    says,
    sequences,
    well,
)
from waiting import eventually

from edge_retinaface.publishers.ledger import WINDOW

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(not AVAILABLE, reason=MISSING),
    pytest.mark.usefixtures("no_leaks"),
]


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
