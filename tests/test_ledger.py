from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.publishers.ledger import WINDOW, Ledger
from edge_retinaface.publishers.outbox import Outbox, Outgoing


def face(number: int, qos: int = 1) -> Outgoing:
    return Outgoing("faces", b"%d" % number, qos, counted=True)


def state(value: str, topic: str = "state") -> Outgoing:
    return Outgoing(topic, value.encode(), 1, retain=True)


def drain(outbox: Outbox) -> list[Outgoing]:
    taken = []
    while outgoing := outbox.take():
        taken.append(outgoing)
    return taken


def test_an_empty_outbox_gives_nothing() -> None:
    outbox = Outbox(2)
    assert (outbox.take(), outbox.empty, len(outbox), outbox.dropped) == (None, True, 0, 0)


def test_the_oldest_message_goes() -> None:
    outbox = Outbox(2)
    for number in range(5):
        outbox.put(face(number))
    assert (drain(outbox), outbox.dropped) == ([face(3), face(4)], 3)


def test_only_the_newest_value_of_a_topic_waits_and_before_the_messages() -> None:
    outbox = Outbox(2)
    outbox.put(face(0))
    assert outbox.set_latest(state("on"))
    assert outbox.set_latest(state("off"))
    assert not outbox.set_latest(state("off"))
    assert drain(outbox) == [state("off"), face(0)]


def test_a_retained_value_is_repeated_and_a_passing_one_is_not() -> None:
    outbox = Outbox(2)
    outbox.set_latest(state("on", "a"))
    outbox.set_latest(Outgoing("stats", b"{}", 1))
    outbox.set_latest(state("on", "b"))
    drain(outbox)
    outbox.set_latest(state("off", "b"))
    outbox.repeat_retained()
    assert drain(outbox) == [state("on", "a"), state("off", "b")]


def test_what_is_put_back_is_first_again_unless_something_newer_came() -> None:
    outbox = Outbox(2)
    outbox.put(face(0))
    outbox.put_back(outbox.take() or face(9))
    assert outbox.take() == face(0)
    outbox.put(face(1))
    outbox.put(face(2))
    outbox.put_back(face(0))
    assert (drain(outbox), outbox.dropped) == ([face(1), face(2)], 1)
    outbox.set_latest(state("new"))
    outbox.put_back(state("old"))
    assert drain(outbox) == [state("new")]


def test_nothing_goes_without_a_connection() -> None:
    ledger = Ledger(4)
    ledger.outbox.put(face(0))
    assert ledger.next() is None
    ledger.connect(WINDOW)
    assert ledger.next() == face(0)
    ledger.published(1, face(0))
    assert ledger.next() is None


def test_what_was_handed_over_is_counted_before_it_is_published() -> None:
    ledger = Ledger(4)
    ledger.connect(WINDOW)
    ledger.outbox.put(face(0))
    handed = ledger.next() or face(9)
    assert ledger.counters()["queued"] == 1
    ledger.put_back(handed)
    assert ledger.counters()["queued"] == 1
    assert ledger.next() == handed


def test_no_more_is_under_way_than_the_broker_takes() -> None:
    ledger = Ledger(10)
    ledger.connect(2)
    for number in range(3):
        ledger.outbox.put(face(number))
    for packet in (1, 2):
        ledger.published(packet, ledger.next() or face(9))
    assert ledger.next() is None
    ledger.acknowledge(1, "")
    assert ledger.next() == face(2)


def test_after_a_reconnect_nothing_overtakes_what_was_under_way() -> None:
    ledger = Ledger(10)
    ledger.connect(WINDOW)
    ledger.outbox.put(face(0))
    ledger.outbox.put(face(1))
    ledger.published(1, ledger.next() or face(9))
    ledger.disconnect()
    ledger.connect(WINDOW)
    assert ledger.next() is None
    ledger.acknowledge(1, "")
    assert ledger.next() == face(1)


def test_a_lost_connection_loses_qos_0_and_keeps_qos_1() -> None:
    ledger = Ledger(10)
    ledger.connect(WINDOW)
    ledger.published(1, face(0, qos=0))
    ledger.published(2, face(1))
    ledger.disconnect()
    ledger.published(3, face(2, qos=0))  # handed over at the very moment
    assert (ledger.counters()["lost"], ledger.counters()["queued"]) == (2, 1)


def test_an_acknowledgement_may_come_before_we_know_the_packet() -> None:
    ledger = Ledger(10)
    ledger.connect(WINDOW)
    ledger.acknowledge(1, "")
    ledger.published(1, face(0))
    assert (ledger.counters()["sent"], ledger.under_way) == (1, 0)


def test_a_refusal_is_counted_and_remembered_until_it_passes() -> None:
    ledger = Ledger(10)
    ledger.connect(WINDOW)
    ledger.published(1, face(0))
    ledger.acknowledge(1, "Not authorized")
    assert ledger.refusals == {"faces": "Not authorized"}
    ledger.published(2, face(1))
    ledger.acknowledge(2, "")
    assert (ledger.refusals, ledger.counters()["refused"], ledger.counters()["sent"]) == ({}, 1, 1)


STEPS = st.sampled_from(["put", "put", "send", "send", "acknowledge", "refuse", "connect", "disconnect"])


@given(
    queue=st.integers(1, 6), window=st.integers(1, 4), qos=st.sampled_from([0, 1]), steps=st.lists(STEPS, max_size=80)
)
def test_every_message_is_accounted_for_and_qos_1_stays_in_order(
    queue: int, window: int, qos: int, steps: list[str]
) -> None:
    ledger, put, packet = Ledger(queue), 0, 0
    under_way: list[tuple[int, int]] = []  # (packet, number), as paho keeps them
    arrived: list[int] = []
    for step in steps:
        if step == "put":
            ledger.outbox.put(face(put, qos))
            put += 1
        elif step == "send" and (outgoing := ledger.next()):
            assert put == everything(ledger)
            packet += 1
            under_way.append((packet, int(outgoing.payload)))
            ledger.published(packet, outgoing)
        elif step in ("acknowledge", "refuse") and under_way and ledger.connected:
            oldest, number = under_way.pop(0)
            ledger.acknowledge(oldest, "no" if step == "refuse" else "")
            arrived.append(number)
        elif step == "connect" and not ledger.connected:
            ledger.connect(window)
        elif step == "disconnect":
            ledger.disconnect()
            under_way = under_way if qos else []
        assert put == everything(ledger)
        assert ledger.under_way <= window
    assert arrived == sorted(set(arrived))


def everything(ledger: Ledger) -> int:
    """Messages that the counters know of."""
    return sum(ledger.counters()[name] for name in ("sent", "refused", "lost", "dropped", "queued"))
