"""What a test inside a booted Debian starts with: its script follows in the same file."""

import json
import os
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


# what dpkg, systemd and apt write for any package, and what is only memory, does not count
ELSEWHERE = ("/proc", "/sys", "/run", "/dev", "/tmp", "/root", "/srv", "/test.out", "/etc/.pwd.lock")  # noqa: S108 - not ours
ELSEWHERE += tuple(f"/var/{place}" for place in ("log", "cache", "lib/dpkg", "lib/systemd", "lib/apt"))
BACKUPS = ("passwd-", "group-", "shadow-", "gshadow-")


def tree() -> set[str]:
    """Every path of the system that is somebody's."""
    paths = {
        os.path.join(path, name)  # noqa: PTH118 - a hundred thousand of them
        for path, folders, files in os.walk("/")
        if not path.startswith(ELSEWHERE)
        for name in folders + files
        if name not in BACKUPS
    }
    return {path for path in paths if not path.startswith(ELSEWHERE)}


def timed(command: str) -> float:
    """Seconds of a command that works."""
    start = time.monotonic()
    done = sh(command)
    assert done.returncode == 0, done.stdout + done.stderr
    return round(time.monotonic() - start, 1)


def enabled() -> list[str]:
    return [sh(f"systemctl is-enabled edge-retinaface.{kind}").stdout.strip() for kind in ("service", "socket")]


# ---- the script
