"""The whole service in a process of its own, on a video as fast as it takes it."""

import signal
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from edge_retinaface.client import Client
from edge_retinaface.config import CameraSettings, Config, ModelSettings, SocketSettings, show_config
from edge_retinaface.errors import PublishError
from edge_retinaface.service.board import Board

WARM_UP = 30  # messages
MEASURED_S = 3.0
START_S = 20.0  # as long as a slow board may take to the first message


def service_throughput(model: Path, threads: int, delegate: str, video: Path) -> tuple[float, float]:
    """Messages a second, one for each frame, and the resident memory, MiB. PublishError if it does not run."""
    with tempfile.TemporaryDirectory() as folder:
        path, settings = f"{folder}/bench.sock", Path(folder) / "bench.toml"
        config = Config(
            device="bench",
            model=ModelSettings(path=str(model), threads=threads, delegate=delegate),
            camera=(CameraSettings(name="bench", uri=f"file:{video.absolute()}", loop=True, realtime=False),),
            socket=SocketSettings(path=path),
        )
        settings.write_text(show_config(config))
        command = [sys.executable, "-m", "edge_retinaface", "run", "--config", str(settings)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own program
            try:
                with _connected(path, process) as client:
                    lines = client.lines()
                    start = [time.monotonic() for _ in islice(lines, WARM_UP)][-1]
                    count = 0
                    while (passed := time.monotonic() - start) < MEASURED_S:
                        next(lines)
                        count += 1
                    return round(count / passed, 2), round(Board().memory_mib(process.pid), 1)
            finally:
                process.send_signal(signal.SIGTERM)


def _connected(path: str, process: "subprocess.Popen[bytes]") -> Client:
    until = time.monotonic() + START_S
    while True:
        try:
            return Client(path)
        except PublishError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.01)
