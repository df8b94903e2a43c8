import json
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_retinaface.data import F32, LANDMARK_NAMES, Detections, Frame
from edge_retinaface.message import (
    CameraStats,
    DetectionMessage,
    Device,
    Dropped,
    Hello,
    Landmarks,
    Now,
    Percentiles,
    Reply,
    Request,
    Stats,
    encode,
    encode_message,
    iso_time,
)

GOLDEN = Path(__file__).parent / "golden" / "message.json"
CAPTURED_NS = 81_234_567_890
CAPTURED_UNIX_NS = 1_795_255_872_345_000_000  # 2026-11-21T10:11:12.345Z
AGE_NS = 41_700_000


def message(detections: Detections, *, pixel: int = 0) -> bytes:
    frame = Frame(np.full((720, 1280, 3), pixel, np.uint8), "BGR", 4711, CAPTURED_NS)
    now = Now(CAPTURED_NS + AGE_NS, CAPTURED_UNIX_NS + AGE_NS)
    return encode_message(frame, detections, device="pi-hall", camera="door", model="mnet025-480x640-int8", now=now)


def one_face() -> Detections:
    return Detections(
        np.array([[604.1234, 212.0, 702.7512, 345.46]], np.float32),
        np.array([0.99349], np.float32),
        np.array([[[630.16, 262.94], [676.04, 263.26], [652.7, 290.1], [634.8, 316.0], [671.9, 316.4]]], np.float32),
    )


def test_no_faces_is_an_empty_list() -> None:
    assert json.loads(message(Detections.none()))["faces"] == []


def test_the_message_is_schema_1_to_the_byte() -> None:
    assert message(one_face()) + b"\n" == GOLDEN.read_bytes()


def test_age_is_from_capture_to_now_and_time_is_that_of_capture() -> None:
    found = msgspec.json.decode(message(Detections.none()), type=DetectionMessage)
    assert (found.age_ms, found.captured_ns, found.time) == (41.7, CAPTURED_NS, "2026-11-21T10:11:12.345Z")


def test_no_pixel_is_in_it() -> None:
    assert message(one_face(), pixel=0) == message(one_face(), pixel=255)


def test_the_names_of_landmarks_are_in_the_order_of_the_detections() -> None:
    assert Landmarks.__struct_fields__ == LANDMARK_NAMES


SIDES = st.floats(0, 16384, width=32)


@given(
    boxes=hnp.arrays(np.float32, (3, 4), elements=SIDES),
    scores=hnp.arrays(np.float32, (3,), elements=st.floats(0, 1, width=32)),
    landmarks=hnp.arrays(np.float32, (3, 5, 2), elements=SIDES),
)
def test_what_is_read_back_is_within_half_a_digit_and_has_few_digits(boxes: F32, scores: F32, landmarks: F32) -> None:
    text = message(Detections(boxes, scores, landmarks))
    faces = msgspec.json.decode(text, type=DetectionMessage).faces
    # half of a tenth and of a thousandth, and what a float32 of this size cannot hold
    np.testing.assert_allclose([face.box for face in faces], boxes, rtol=0, atol=0.0501)
    np.testing.assert_allclose([face.score for face in faces], scores, rtol=0, atol=0.000501)
    points = [[getattr(face.landmarks, name) for name in LANDMARK_NAMES] for face in faces]
    np.testing.assert_allclose(points, landmarks, rtol=0, atol=0.0501)
    numbers = [str(number) for face in json.loads(text)["faces"] for number in face["box"]]
    assert all(len(number.partition(".")[2]) == 1 for number in numbers)


def test_now_reads_the_clock_of_the_frames() -> None:
    first, second = Now.read(), Now.read()
    assert first.monotonic_ns <= second.monotonic_ns
    assert first.unix_ns > CAPTURED_UNIX_NS / 2


def test_times_are_utc_with_milliseconds() -> None:
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(CAPTURED_UNIX_NS + 999_999) == "2026-11-21T10:11:12.345Z"


def test_the_small_messages_read_as_the_guide_says() -> None:
    assert encode(Hello(hello=Device(device="pi-hall", version="1.2.3"))) == (
        b'{"schema":1,"hello":{"device":"pi-hall","version":"1.2.3"}}'
    )
    assert encode(Dropped(dropped=3)) == b'{"dropped":3}'
    assert encode(Reply(id=1, success=True)) == b'{"id":1,"success":true}'
    assert encode(Reply(id=None, success=False, error="no")) == b'{"id":null,"success":false,"error":"no"}'
    assert encode(Reply(id="a", success=True, stats=msgspec.Raw(b"{}"))) == b'{"id":"a","success":true,"stats":{}}'
    assert msgspec.json.decode(b'{"id":1,"method":"stats"}', type=Request) == Request(id=1, method="stats")


def test_statistics_come_back_as_they_were() -> None:
    durations = Percentiles(p50=31.0, p95=40.2, p99=44.1, max=60.3)
    stats = Stats(
        device="pi-hall",
        time=iso_time(0),
        uptime_s=60.0,
        cameras={"door": CameraStats(status="running", fps=14.9, frames={"made": 900}, age_ms=durations)},
        stages_ms={"inference": durations},
        publishers={"mqtt": {"sent": 894}},
        memory_mib=81.5,
    )
    assert msgspec.json.decode(encode(stats), type=Stats) == stats
    assert json.loads(encode(stats))["temperature_c"] is None


def test_the_guide_shows_this_very_message() -> None:
    guide = (GOLDEN.parents[2] / "docs" / "guide" / "socket.md").read_text()
    shown = guide.partition("## The detection message")[2].partition("```json\n")[2].partition("```")[0]
    assert json.loads(shown) == json.loads(GOLDEN.read_text())
