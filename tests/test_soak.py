"""Ten thousand frames with everything on: what it costs in memory and disk, and how old the messages are."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRWPair
from pathlib import Path
from typing import Any

import mosquitto
import numpy as np
import pytest
from camera_servers import wait_for

PROGRAM = Path(__file__).parent / "service_program.py"
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
FRAMES = 10_000


class Listener(threading.Thread):
    """Reads the socket to its end and keeps how old each message was."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ages_ms: list[float] = []
        self.faces = 0
        self._path = path

    def run(self) -> None:
        with connected(self._path) as lines:
            for line in lines:
                message = json.loads(line)
                if "age_ms" in message:
                    self.ages_ms.append(message["age_ms"])
                    self.faces += len(message["faces"])


def memory_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB


def written_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().partition("\nwrite_bytes: ")[2].split()[0])


@contextmanager
def connected(path: Path) -> Iterator[BufferedRWPair]:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        with client.makefile("rwb") as file:
            yield file


def stats(path: Path) -> dict[str, Any]:
    with connected(path) as file:
        file.write(b'{"id": 1, "method": "stats"}\n')
        file.flush()
        return next(json.loads(line)["stats"] for line in file if b'"success"' in line)


@contextmanager
def service(folder: Path, model: Path, photograph: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a process, its socket at faces.sock in the folder."""
    (folder / "config.toml").write_text(
        f'[model]\npath = "{model}"\n[[camera]]\nname = "door"\nuri = "file:{photograph}"\nmax_fps = 60.0\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n[socket]\npath = "{folder}/faces.sock"\n[stdout]\nenabled = true\n'
    )
    environ = os.environ | {"PYTHONPATH": str(PROGRAM.parent.parent)}
    command = [sys.executable, PROGRAM, folder / "config.toml", "replay"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((folder / "faces.sock").exists)
        yield process
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.slow
@pytest.mark.broker
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not mosquitto.AVAILABLE, reason=mosquitto.MISSING)
def test_ten_thousand_frames_cost_no_memory_and_no_disk_and_stay_fresh(
    tmp_path: Path, default_model: Path, astronaut: Path
) -> None:
    with (
        mosquitto.Broker(tmp_path) as broker,
        service(tmp_path, default_model, astronaut, broker.port) as process,
        connected(tmp_path / "faces.sock"),  # never reads
    ):
        listener = Listener(tmp_path / "faces.sock")
        listener.start()
        wait_for(lambda: len(listener.ages_ms) > 1000, 1200)
        first_mib, first_bytes = memory_mib(process.pid), written_bytes(process.pid)
        wait_for(lambda: len(listener.ages_ms) > FRAMES, 2400)
        last_mib, last_bytes = memory_mib(process.pid), written_bytes(process.pid)
        found = stats(tmp_path / "faces.sock")
    listener.join(20)
    assert process.returncode == 0
    p50, p95, p99, most = np.percentile(listener.ages_ms[1000:], (50, 95, 99, 100))
    report = {
        "memory_mib": (round(first_mib, 1), round(last_mib, 1)),
        "written_bytes": last_bytes - first_bytes,
        "age_ms": {"p50": p50, "p95": p95, "p99": p99, "max": most},
        "stats": found,
    }
    sys.stdout.write(json.dumps(report, indent=1))  # for those who run it with -s
    assert last_bytes - first_bytes == 0
    assert last_mib - first_mib < 5
    assert listener.faces >= FRAMES
    assert p99 <= 1000 / 60 + 1.5 * found["stages_ms"]["invoke"]["p99"] + 20
