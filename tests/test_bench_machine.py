"""What a bench run says of the machine, from files like those of /proc and /sys; the whole service on a video."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_retinaface.bench.machine import complaints
from edge_retinaface.bench.throughput import service_throughput
from edge_retinaface.errors import PublishError
from edge_retinaface.images import read_image


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_machine_at_rest_gives_no_cause_for_complaint(tmp_path: Path) -> None:
    write(tmp_path, "proc/loadavg", "0.02 0.5 3.0 1/123 4567\n")
    write(tmp_path, "sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "performance\n")
    write(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "0\n")
    assert complaints(tmp_path) == []
    assert complaints(tmp_path / "nothing-there") == []


def test_load_a_saving_governor_and_throttling_are_each_said(tmp_path: Path) -> None:
    write(tmp_path, "proc/loadavg", "999.5 0.5 3.0 1/123 4567\n")
    write(tmp_path, "sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave\n")
    write(tmp_path, "sys/devices/system/cpu/cpufreq/policy4/scaling_governor", "schedutil\n")
    write(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    busy, clock, throttled = complaints(tmp_path)
    assert busy.startswith("busy: load 999.5 on ")
    assert clock == "clock: the governor is powersave"
    assert throttled == "throttled: the board is slowed down by heat or low voltage"


@pytest.mark.convert
def test_the_whole_service_is_timed_on_a_video(default_model: Path, astronaut: Path, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240))
    for _ in range(20):
        writer.write(np.asarray(cv2.resize(read_image(astronaut), (320, 240))))
    writer.release()
    fps, memory_mib = service_throughput(default_model, 1, "", video)
    assert fps > 0
    assert memory_mib > 20


def test_a_service_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="wanted the service's greeting"):
        service_throughput(tmp_path / "none.tflite", 1, "", tmp_path / "none.mp4")
