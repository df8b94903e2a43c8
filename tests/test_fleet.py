"""`edge-retinaface fleet` against a real broker with devices on it."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mosquitto
import msgspec
import pytest

from edge_retinaface.message import CameraStats, Stats

pytestmark = [pytest.mark.broker, pytest.mark.skipif(not mosquitto.AVAILABLE, reason=mosquitto.MISSING)]
CAMERA = CameraStats(status="ok", fps=7.5, frames={})


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[mosquitto.Broker]:
    with mosquitto.Broker(tmp_path) as broker:
        yield broker


def stats(device: str, **changes: Any) -> bytes:  # noqa: ANN401 - fields of several types
    told = Stats(
        device=device,
        time="2026-11-22T10:00:00.000Z",
        uptime_s=7200,
        cameras={"door": CAMERA, "yard": CAMERA},
        stages_ms={},
        publishers={},
        memory_mib=90.4,
        **changes,
    )
    return msgspec.json.encode(told)


def status(port: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_retinaface", "fleet", "status", "--host", "127.0.0.1", "--port", str(port)]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def devices(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {row["device"]: row for row in json.loads(done.stdout)["devices"]}


def test_a_broker_without_devices_shows_none(broker: mosquitto.Broker) -> None:
    done = status(broker.port, "--json", "--wait", "1")
    assert (done.returncode, devices(done)) == (0, {})


def test_every_device_is_one_row_and_what_cameras_say_is_not(broker: mosquitto.Broker) -> None:
    with mosquitto.Watcher(broker.port) as watcher:
        watcher.publish("edge_retinaface/pi-hall/availability", "online", retain=True)
        watcher.publish("edge_retinaface/pi-hall/door/count", "3", retain=True)
        watcher.publish("edge_retinaface/pi-yard/availability", "offline", retain=True)
        watcher.publish("elsewhere/pi-x/availability", "online", retain=True)
        over = threading.Event()

        def tell() -> None:
            while not over.wait(0.2):
                said = stats("pi-hall", version="0.1.0", model="mnet025-480x640-int8", temperature_c=61.5)
                watcher.publish("edge_retinaface/pi-hall/stats", said)

        thread = threading.Thread(target=tell)
        thread.start()
        try:
            start = time.monotonic()
            found = devices(status(broker.port, "--json", "--wait", "60"))
            assert time.monotonic() - start < 50, "who has heard of everybody does not wait on"
            text = status(broker.port, "--wait", "60").stdout
        finally:
            over.set()
            thread.join()
    assert set(found) == {"pi-hall", "pi-yard"}
    assert found["pi-hall"] == {
        "device": "pi-hall",
        "state": "online",
        "version": "0.1.0",
        "model": "mnet025-480x640-int8",
        "fps": 15.0,
        "temperature_c": 61.5,
        "memory_mib": 90.4,
        "uptime_s": 7200,
    }
    assert found["pi-yard"]["state"] == "offline"
    assert found["pi-yard"]["fps"] is None
    assert " ".join(text.splitlines()[1].split()) == "pi-hall online 0.1.0 mnet025-480x640-int8 15.0 62 °C 90 MiB 2.0 h"


def test_a_device_that_must_be_online_and_is_not_is_a_failed_check(broker: mosquitto.Broker) -> None:
    with mosquitto.Watcher(broker.port) as watcher:
        watcher.publish("edge_retinaface/pi-hall/availability", "offline", retain=True)
        done = status(broker.port, "--expect", "pi-hall", "--expect", "pi-new", "--wait", "0.5")
    assert done.returncode == 1
    assert done.stderr == "not online: pi-hall, pi-new\n"


def test_statistics_that_are_no_json_leave_the_row_empty(broker: mosquitto.Broker) -> None:
    with mosquitto.Watcher(broker.port) as watcher:
        watcher.publish("edge_retinaface/pi-hall/availability", "online", retain=True)
        watcher.publish("edge_retinaface/pi-hall/stats", b"\xff", retain=True)
        done = status(broker.port, "--json", "--wait", "1")
    assert devices(done)["pi-hall"]["fps"] is None


def test_no_broker_is_one_line(broker: mosquitto.Broker) -> None:
    broker.kill()
    done = status(broker.port, "--wait", "1")
    assert (done.returncode, done.stdout) == (74, "")
    assert "wanted a connection, found Connection refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_broker_in_the_configuration_is_one_line(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[[camera]]\nname = "door"\nuri = "v4l2:/dev/video0"\n')
    command = [sys.executable, "-m", "edge_retinaface", "fleet", "status", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "wanted a broker to ask, found none" in done.stderr
