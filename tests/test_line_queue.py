from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.publishers.line_queue import LineQueue


def drain(lines: LineQueue) -> list[bytes]:
    """All that waits, line by line."""
    taken = []
    while head := lines.head():
        taken.append(bytes(head))
        lines.written(len(head))
    return taken


def test_an_empty_queue_has_no_head() -> None:
    lines = LineQueue(2)
    assert (bytes(lines.head()), len(lines), lines.sent, lines.dropped) == (b"", 0, 0, 0)


def test_the_oldest_goes_and_the_reader_is_told_before_what_is_left() -> None:
    lines = LineQueue(2)
    for number in range(5):
        lines.put(b"%d" % number)
    assert drain(lines) == [b'{"dropped":3}\n', b"3\n", b"4\n"]
    assert (lines.sent, lines.dropped) == (2, 3)
    lines.put(b"5")
    assert drain(lines) == [b"5\n"]


def test_a_line_that_is_half_written_is_finished_whatever_is_dropped() -> None:
    lines = LineQueue(1)
    lines.put(b"first")
    assert bytes(lines.head()) == b"first\n"
    lines.written(2)
    lines.put(b"second")
    lines.put(b"third")
    assert drain(lines) == [b"rst\n", b'{"dropped":1}\n', b"third\n"]
    assert lines.sent == 2


def test_answers_overtake_messages_and_are_not_dropped() -> None:
    lines = LineQueue(1)
    lines.put(b"message")
    lines.answer(b"one")
    lines.answer(b"two")
    assert lines.answers == 2
    assert drain(lines) == [b"one\n", b"two\n", b"message\n"]
    assert (lines.sent, lines.answers) == (1, 0)


def test_what_is_abandoned_counts_as_dropped() -> None:
    lines = LineQueue(4)
    for number in range(3):
        lines.put(b"%d" % number)
    lines.head()
    lines.written(1)
    lines.abandon()
    assert (drain(lines), lines.dropped, lines.sent) == ([], 3, 0)


@given(size=st.integers(1, 5), steps=st.lists(st.sampled_from(["put", "write", "byte", "lose", "answer"]), max_size=60))
def test_every_message_is_sent_or_dropped_or_waits_and_the_notices_add_up(size: int, steps: list[str]) -> None:
    lines, put, told = LineQueue(size), 0, 0
    for step in steps:
        if step == "put":
            lines.put(b"m%d" % put)
            put += 1
        elif step == "lose":
            lines.lose(2)
            put += 2
        elif step == "answer":
            lines.answer(b"answer")
        elif head := lines.head():
            lines.written(len(head) if step == "write" else 1)
        assert lines.sent + lines.dropped + len(lines) == put
        assert len(lines) <= size + 1  # one is being written
    text = b"".join(drain(lines))
    told = sum(int(line[11:-1]) for line in text.splitlines() if line.startswith(b'{"dropped":'))
    assert lines.sent + lines.dropped == put
    assert told <= lines.dropped
