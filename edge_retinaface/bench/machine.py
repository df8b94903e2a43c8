"""What the machine says about itself: processor, load, clock, temperature, throttling."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("edge-retinaface", "ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless")
THERMAL = Path("/sys/class/thermal")
GOVERNORS = Path("/sys/devices/system/cpu/cpufreq")
SLOW_GOVERNORS = {"powersave", "conservative"}
THROTTLED_NOW = 0b1111  # bits 0 to 3 of vcgencmd get_throttled: under-voltage, capped, throttled, soft limit


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


def temperature_c() -> float | None:
    """Of the hottest sensor; None where there is none."""
    millidegrees = [_text(path) for path in THERMAL.glob("thermal_zone*/temp")]
    values = [int(text) / 1000 for text in millidegrees if text.strip().lstrip("-").isdigit()]
    return max(values, default=None)


def complaints() -> list[str]:
    """Why figures taken now may not be what the machine can do."""
    found = []
    load = os.getloadavg()[0]
    if load > 0.5 * cores():
        found.append(f"busy: load {load:.1f} on {cores()} cores before the run")
    slow = {text.strip() for text in map(_text, GOVERNORS.glob("policy*/scaling_governor"))} & SLOW_GOVERNORS
    if slow:
        found.append(f"clock: the governor is {', '.join(sorted(slow))}")
    if _throttled() & THROTTLED_NOW:
        found.append("throttled: the board reports low voltage or heat (vcgencmd get_throttled)")
    return found


def resident_mib() -> float:
    """Of this process."""
    pages = int(_text(Path("/proc/self/statm")).split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _throttled() -> int:
    program = shutil.which("vcgencmd")
    if program is None:
        return 0
    said = subprocess.run([program, "get_throttled"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - the board's own tool
    _, _, value = said.strip().partition("=")
    return int(value, 16) if value.startswith("0x") else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
