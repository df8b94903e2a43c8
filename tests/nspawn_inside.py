"""What a test inside a booted Debian starts with: its script follows in the same file."""

import json
import os  # noqa: F401 - for the scripts
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SERVICE = "edge-retinaface.service"
SOCKET = "/run/edge-retinaface/edge-retinaface.sock"


def report(**found: object) -> None:
    """Hand the findings out of the machine; the last thing a script does."""
    sys.stdout.write(json.dumps(found) + "\n")


def sh(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - our own words


def systemctl(*arguments: str) -> int:
    return subprocess.run(["systemctl", *arguments], check=False).returncode


def show(name: str, unit: str = SERVICE) -> str:
    return sh(f"systemctl show --value --property={name} {unit}").stdout.strip()


def pid() -> int:
    return int(show("MainPID"))


def journal(unit: str = SERVICE) -> str:
    return sh(f"journalctl --quiet --no-pager --output=cat --unit={unit}").stdout


def until(condition: Callable[[], object], timeout_s: float = 20) -> float:
    """Seconds until the condition held; it failing to is an error that shows the journal."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > timeout_s:
            raise TimeoutError(journal() + sh(f"systemctl status {SERVICE}").stdout)
        time.sleep(0.02)
    return time.monotonic() - start


def subscribe() -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(SOCKET)
    return client


def lines(count: int) -> list[dict[str, object]]:
    """The first lines that a new subscriber gets."""
    with subscribe() as client, client.makefile() as reader:
        return [json.loads(reader.readline()) for _ in range(count)]


def drop_in(name: str, text: str) -> None:
    folder = Path(f"/etc/systemd/system/{SERVICE}.d")
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.conf").write_text(text)
    systemctl("daemon-reload")


# ---- the script
