"""A real /dev/video0, made by the kernel's vivid driver in a virtual machine, that is pulled out and put back."""

import json
import sys
from pathlib import Path

import nspawn
import pytest
import vm

PROGRAM = """
import itertools, json, pathlib, statistics, sys, threading, time
import cv2
from edge_retinaface.cameras import open_camera
from edge_retinaface.cameras.orientation import Orientation
from edge_retinaface.cameras.video import DeviceSource
from edge_retinaface.config import CameraSettings

DRIVER = pathlib.Path("/sys/bus/platform/drivers/vivid")
found = {}

def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(condition())

source = DeviceSource("/dev/video0", (640, 480), Orientation())
stamps_ms = []
for _ in range(10):
    picture = source.read(lambda: False)
    stamps_ms.append(time.monotonic_ns() / 1e6 - source._capture.get(cv2.CAP_PROP_POS_MSEC))
source.close()
found["stamps_ms"] = statistics.median(stamps_ms)

settings = CameraSettings(name="door", uri="v4l2:/dev/video0", width=640, height=480, max_fps=100.0)
with open_camera(settings) as camera:
    frames = list(itertools.islice(camera.frames(), 30))
    found["shape"] = frames[0].pixels.shape
    found["spread"] = float(frames[-1].pixels.std())
    found["period_ms"] = statistics.median(
        (b.captured_ns - a.captured_ns) / 1e6 / (b.sequence - a.sequence) for a, b in zip(frames, frames[1:]))
    with open_camera(settings) as second:
        until(lambda: second.state.name == "away")
        found["second"] = str(second.state)
    (vivid,) = DRIVER.glob("vivid.*")
    (DRIVER / "unbind").write_text(vivid.name)
    until(lambda: camera.state.name == "away")
    found["pulled"] = str(camera.state)
    until(lambda: "found nothing there" in str(camera.state))
    found["gone"] = str(camera.state)
    (DRIVER / "bind").write_text(vivid.name)
    until(lambda: camera.state.name == "running")
    found["back"] = str(camera.state)
    found["losses"] = camera.losses
found["threads"] = [thread.name for thread in threading.enumerate()]
json.dump(found, sys.stdout)
"""
SCRIPT = f"""
subprocess.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1"], check=True)
until(lambda: Path("/dev/video0").exists())
done = subprocess.run(["/{nspawn.VENV}/bin/python", "-c", {PROGRAM!r}], capture_output=True, text=True)
assert done.returncode == 0, done.stderr
report(**json.loads(done.stdout))
"""


@pytest.mark.slow
@pytest.mark.systemd
@pytest.mark.timeout(1800)
@pytest.mark.skipif(bool(vm.missing()), reason=vm.missing())
def test_a_real_device_is_read_with_its_driver_s_times_and_survives_being_pulled_out(machine: list[Path]) -> None:
    found = vm.boot(machine, SCRIPT, limit_s=1500)
    sys.stdout.write(json.dumps(found))  # for those who run it with -s
    assert found["shape"] == [480, 640, 3]
    assert found["spread"] > 10  # colour bars
    assert 30 < found["period_ms"] < 1000  # 40 ms, if the emulated machine keeps up
    assert -40 < found["stamps_ms"] < 500  # CLOCK_MONOTONIC; vivid names the end of the frame that it just began
    assert found["second"].startswith("away: /dev/video0: ")
    assert found["pulled"] == "away: /dev/video0: the device delivers no more pictures: unplugged?"
    assert found["gone"] == "away: /dev/video0: wanted a video device, found nothing there: is the camera plugged in?"
    assert (found["back"], found["losses"], found["threads"]) == ("running", 1, ["MainThread"])
