"""What a board tells of itself, from files like those of /sys."""

from pathlib import Path

import numpy as np
import pytest

from edge_retinaface.service.board import Board


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_board_that_tells_nothing_is_not_hot_and_not_throttled_but_unknown(tmp_path: Path) -> None:
    assert Board(tmp_path).temperature_c() is None
    assert Board(tmp_path).throttled() is None


def test_the_hottest_zone_counts_and_one_that_is_off_does_not(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/thermal/thermal_zone0/temp", "48312\n")
    write(tmp_path, "sys/class/thermal/thermal_zone1/temp", "51000\n")
    write(tmp_path, "sys/class/thermal/thermal_zone2/temp", "")
    assert Board(tmp_path).temperature_c() == 51.0


@pytest.mark.parametrize(("bits", "throttled"), [("0", False), ("50000", False), ("50005", True), ("8", True)])
def test_the_low_bits_of_the_firmware_say_throttled_now_and_the_high_ones_since_boot(
    tmp_path: Path,
    bits: str,
    throttled: bool,
) -> None:
    write(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", f"{bits}\n")
    assert Board(tmp_path).throttled() is throttled


@pytest.mark.parametrize(("answer", "throttled"), [("throttled=0x50005", True), ("throttled=0x0", False), ("no", None)])
def test_without_the_file_vcgencmd_is_asked(tmp_path: Path, answer: str, throttled: bool | None) -> None:
    write(tmp_path, "usr/bin/vcgencmd", f'#!/bin/sh\n[ "$1" = get_throttled ] && echo "{answer}"\n')
    (tmp_path / "usr/bin/vcgencmd").chmod(0o755)
    assert Board(tmp_path).throttled() is throttled


def test_memory_is_what_the_kernel_says_and_grows_with_an_array() -> None:
    before = Board().memory_mib()
    array = np.ones(64 << 20, np.uint8)
    assert 50 < Board().memory_mib() - before < 90
    assert array.size
