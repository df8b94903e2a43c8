"""What the machine says about itself: processor, load, clock, throttling."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edge_retinaface.service.board import Board

PACKAGES = ("edge-retinaface", "ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless")
GOVERNORS = "sys/devices/system/cpu/cpufreq"
SLOW_GOVERNORS = {"powersave", "conservative"}
BUSY = 0.5  # of the cores


def processor() -> str:
    """Its name, else the architecture."""
    names = {"model name", "Model", "Hardware"}
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    found = [value.strip() for name, _, value in (line.partition(":") for line in lines) if name.strip() in names]
    return found[0] if found else platform.machine()


def system() -> str:
    """Operating system and architecture."""
    return f"{platform.system()} {platform.release()}, {platform.machine()}, Python {platform.python_version()}"


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def versions() -> dict[str, str]:
    """Of the packages that do the work, as far as they are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def complaints(root: Path = Path("/")) -> list[str]:
    """Why figures taken now may not be what the machine can do; its files are read below `root`."""
    found = []
    load = float((_text(root / "proc/loadavg") or "0").split()[0])
    if load > BUSY * cores():
        found.append(f"busy: load {load:.1f} on {cores()} cores before the run")
    slow = {text.strip() for text in map(_text, (root / GOVERNORS).glob("policy*/scaling_governor"))} & SLOW_GOVERNORS
    if slow:
        found.append(f"clock: the governor is {', '.join(sorted(slow))}")
    if Board(root).throttled():
        found.append("throttled: the board is slowed down by heat or low voltage")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
