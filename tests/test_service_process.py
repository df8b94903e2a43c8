"""The service as a process: signals, systemd's socket, a dead broker, a subscriber that does not read."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_servers import free_port, wait_for

pytestmark = pytest.mark.usefixtures("no_leaks")

PROGRAM = Path(__file__).parent / "service_program.py"


class Process:
    """The process, what it tells systemd, and its lines."""

    def __init__(self, folder: Path, *arguments: str, watchdog_s: float = 30, took_s: float = 0.005) -> None:
        self.config = folder / "config.toml"
        self.socket = folder / "faces.sock"
        self.told: list[str] = []
        self.lines: list[bytes] = []
        self.errors: list[str] = []
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(folder / "notify"))
        environ = os.environ | {
            "NOTIFY_SOCKET": str(folder / "notify"),
            "WATCHDOG_USEC": str(round(watchdog_s * 1e6)),
            "PYTHONPATH": str(PROGRAM.parent.parent),
        }
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, self.config, str(took_s), *arguments],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._notes, self._output, self._log)]
        for thread in self._threads:
            thread.start()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> float:
        """Seconds from SIGTERM to the end."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        self.process.wait(20)
        return time.monotonic() - began

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads[1:]:
            thread.join(10)
        self._manager.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(10)
        self._manager.close()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _notes(self) -> None:
        while note := self._manager.recv(4096):
            self.told += note.decode().split("\n")

    def _output(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, b""))

    def _log(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(line.decode() for line in iter(self.process.stderr.readline, b""))


@contextmanager
def process(folder: Path, *arguments: str, uri: str = "", watchdog_s: float = 30) -> Iterator[Process]:
    """The service with a broker that is not there, a socket, standard output, and a folder at 60 pictures a second."""
    pictures = folder / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "a.png"), np.zeros((90, 160, 3), np.uint8))
    (folder / "config.toml").write_text(
        f"""
        device = "pi"
        [[camera]]
        name = "door"
        uri = "{uri or f"folder:{pictures}"}"
        max_fps = 60.0
        loop = {"true" if not uri else "false"}
        [mqtt]
        host = "127.0.0.1"
        port = {free_port()}
        [socket]
        path = "{folder / "faces.sock"}"
        [stdout]
        enabled = true
        """
    )
    one = Process(folder, *arguments, watchdog_s=watchdog_s)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def deaf_subscriber(path: Path) -> Iterator[None]:
    """Connects, and never reads."""
    wait_for(path.exists)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        yield


def test_it_is_ready_after_its_first_frame_and_stops_within_5_s_with_everything_in_trouble(tmp_path: Path) -> None:
    with process(tmp_path) as one, deaf_subscriber(one.socket):
        wait_for(lambda: "READY=1" in one.told)
        assert any(line.startswith("STATUS=door: running") for line in one.told)
        wait_for(lambda: "WATCHDOG=1" in one.told)
        wait_for(lambda: len(one.lines) > 60)
        assert one.stop() < 5
        assert one.process.returncode == 0
        wait_for(lambda: "STOPPING=1" in one.told)
        wait_for(lambda: any("ready: the first frame of door was published" in line for line in one.errors))


def test_a_dead_broker_and_a_subscriber_that_does_not_read_make_no_message_older(tmp_path: Path) -> None:
    with process(tmp_path) as one, deaf_subscriber(one.socket):
        wait_for(lambda: len(one.lines) > 200)
        one.stop()
        ages_ms = [json.loads(line)["age_ms"] for line in one.lines]
    quarter = len(ages_ms) // 4
    # nothing queues up: the last messages are as fresh as the first
    assert np.median(ages_ms[-quarter:]) <= np.median(ages_ms[:quarter]) + 10
    assert np.percentile(ages_ms, 99) <= 1000 / 60 + 1.5 * 5 + 20 + jitter_ms()


def jitter_ms() -> float:
    """How late this machine wakes a thread that slept 5 ms, at its worst of 200 times."""
    late = []
    for _ in range(200):
        began = time.monotonic()
        time.sleep(0.005)
        late.append((time.monotonic() - began) * 1000 - 5)
    return max(late)


def test_sighup_reads_the_configuration_again_and_keeps_the_old_one_if_the_new_is_wrong(tmp_path: Path) -> None:
    with process(tmp_path) as one:
        wait_for(lambda: len(one.lines) > 5)
        good = one.config.read_text()
        one.config.write_text(good.replace("max_fps", "max_fsp"))
        one.signal(signal.SIGHUP)
        wait_for(lambda: any("configuration not changed" in line and "max_fps" in line for line in one.errors))
        seen = len(one.lines)
        wait_for(lambda: len(one.lines) > seen + 5)
        one.config.write_text(good.replace('"door"', '"gate"'))
        one.signal(signal.SIGHUP)
        wait_for(lambda: json.loads(one.lines[-1])["camera"] == "gate")
        assert one.told.count("RELOADING=1") == 2
        assert one.stop() < 5


def test_a_camera_that_is_not_there_is_ready_too_and_the_status_says_why(tmp_path: Path) -> None:
    with process(tmp_path, uri="v4l2:/dev/video99") as one:
        wait_for(lambda: "READY=1" in one.told)
        status = next(line for line in one.told if "away" in line)
        assert status.startswith("STATUS=door: away: /dev/video99: wanted a video device, found nothing there")
        wait_for(lambda: "WATCHDOG=1" in one.told)
        assert one.lines == []
        assert one.stop() < 5


def test_a_wrong_configuration_ends_it_with_78_and_one_line(tmp_path: Path) -> None:
    with process(tmp_path, uri="ftp://camera") as one:
        assert one.process.wait(20) == 78
        wait_for(lambda: one.errors)
        assert len(one.errors) == 1
        assert "camera[0].uri: wanted picamera:0, v4l2:/dev/video0" in one.errors[0]


@pytest.mark.slow
def test_a_detector_that_hangs_is_kept_from_systemd_no_longer_than_it_takes_and_still_stops(tmp_path: Path) -> None:
    with process(tmp_path, "hang", watchdog_s=2) as one:
        wait_for(lambda: any("the detector has been at one frame for 1" in line for line in one.errors), 30)
        fed = one.told.count("WATCHDOG=1")
        assert fed >= 8  # of 10 s, once a second
        time.sleep(4)
        assert one.told.count("WATCHDOG=1") == fed
        assert one.stop() < 5
        assert one.process.returncode == 0
