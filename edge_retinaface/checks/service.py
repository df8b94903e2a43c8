"""Whether the service runs, or could; a running one is asked how it does."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge_retinaface.checks.finding import Finding, failed
from edge_retinaface.client import Client
from edge_retinaface.errors import PublishError
from edge_retinaface.install import SERVICE, SOCKET
from edge_retinaface.message import Stats


def check_service(path: str) -> tuple[Finding, Stats | None]:
    """The finding "service", and its statistics if it runs."""
    if not path:
        return Finding("service", ok=True, found="no socket is configured"), None
    # to connect would start the service
    if not _is_active(SERVICE) and _is_active(SOCKET):
        return Finding(
            "service", ok=True, found=f"not running; systemd listens on {path} and starts it when needed"
        ), None
    if not Path(path).exists():
        if _property(SOCKET, "LoadState") == "loaded":
            found = f"not running; systemd makes {path} when it starts"
            return Finding("service", ok=True, found=found), None
        return _place(Path(path).parent), None
    try:
        with Client(path) as client:
            stats = msgspec.json.decode(client.ask("stats").stats or b"", type=Stats)
            return Finding("service", ok=True, found=f"runs, version {client.device.version}, as {stats.device}"), stats
    except PublishError as error:
        advice = f"join the group edge-retinaface, or start the service: systemctl status {SERVICE}"
        return failed("service", error, advice), None


def running_publishers(stats: Stats) -> Iterator[Finding]:
    """One finding a publisher of the service that runs: mqtt, socket, stdout."""
    for name, counts in stats.publishers.items():
        if trouble := stats.troubles.get(name):
            yield failed(name, trouble, f"journalctl -u {SERVICE} says since when")
        else:
            yield Finding(name, ok=True, found=", ".join(f"{count} {what}" for what, count in counts.items()))


def refused_device(device: str, drop_in: str) -> str:
    """What to do before the service may use this class of devices; "" if it may, or if systemd does not run it."""
    if _property(SERVICE, "LoadState") != "loaded" or device in _property(SERVICE, "DeviceAllow"):
        return ""
    return f"sudo edge-retinaface install-service --with {drop_in}"


def _property(unit: str, name: str) -> str:
    try:
        command = ["systemctl", "show", "--value", f"--property={name}", unit]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - as below
    except OSError:  # no systemd here
        return ""


def _is_active(unit: str) -> bool:
    try:
        command = ["systemctl", "is-active", "--quiet", unit]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own units
    except OSError:  # no systemd here
        return False


def _place(folder: Path) -> Finding:
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding("service", ok=True, found=f"not running; its socket can be made in {folder}")
    found = "no right to write there" if folder.exists() else "nothing there"
    advice = "systemd makes the socket: sudo edge-retinaface install-service; or name another [socket] path"
    return failed("service", f"{folder}: wanted a folder for the socket, found {found}", advice)
