"""What the board tells of itself: memory, temperature, throttling."""

import os
import shutil
import subprocess
from pathlib import Path

MIB = 1 << 20
VCGENCMD_S = 2.0
# low bits: now; bits 16 and up: since boot
THROTTLED = 0b1111  # under-voltage, frequency capped, throttled, soft temperature limit
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


class Board:
    """Reads /proc and /sys below `root`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def memory_mib(self, process: int | str = "self") -> float:
        """Resident memory of this process, or of another one."""
        pages = int((self._root / f"proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MIB

    def temperature_c(self) -> float | None:
        """Of the processor, the hottest where there are several; None where the board does not tell."""
        found = [_millidegrees(zone) for zone in self._root.glob("sys/class/thermal/thermal_zone*/temp")]
        known = [degrees for degrees in found if degrees is not None]
        return max(known, default=None)

    def throttled(self) -> bool | None:
        """Whether a Raspberry Pi is slowed down just now by heat or a weak supply; None on other boards."""
        path = self._root / FIRMWARE
        try:
            return bool(int(path.read_text(), 16) & THROTTLED)
        except (OSError, ValueError):  # kernels before 4.14, or another board
            return self._ask_firmware()

    def _ask_firmware(self) -> bool | None:
        command = shutil.which("vcgencmd", path=f"{self._root}/usr/bin")
        if command is None:
            return None
        try:
            answer = subprocess.run(  # noqa: S603 - found above
                [command, "get_throttled"], capture_output=True, text=True, timeout=VCGENCMD_S, check=True
            ).stdout
            return bool(int(answer.partition("=")[2], 16) & THROTTLED)  # throttled=0x50005
        except (OSError, ValueError, subprocess.SubprocessError):  # no permission for /dev/vcio
            return None


def _millidegrees(path: Path) -> float | None:
    try:
        return int(path.read_text()) / 1000
    except (OSError, ValueError):  # a zone that is switched off refuses to be read
        return None
