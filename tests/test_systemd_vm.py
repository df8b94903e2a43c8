"""The installed service in a virtual machine, with a video device of the kernel's own driver: vivid."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import vm

pytestmark = [pytest.mark.systemd, pytest.mark.slow, pytest.mark.timeout(1500)]
CONFIG = """
device = "pi"
[model]
threads = 1
[[camera]]
name = "door"
uri = "v4l2:/dev/video0"
width = 640
height = 480
"""
PROBE = """
import errno
for name in ("video0", "media0", "net/tun"):
    try:
        open(f"/dev/{name}", "rb").close()
        print(name, "ok")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
"""
# what is written to the output /dev/video1 comes in at /dev/video0, as over a cable
SCRIPT = """
SIGNAL = "index=0"  # 640x480 at 60 Hz; the loop is closed when both ends agree to the hertz
for command in (
    "modprobe vivid n_devs=1 num_inputs=1 input_types=3 num_outputs=1 output_types=1 node_types=0x101",
    f"v4l2-ctl -d /dev/video1 --set-dv-bt-timings {SIGNAL} && v4l2-ctl -d /dev/video0 --set-dv-bt-timings {SIGNAL}",
    # the loop also wants one pixel format at both ends: BGR3 is what OpenCV asks for first
    "v4l2-ctl -d /dev/video1 --set-fmt-video-out=width=640,height=480,pixelformat=BGR3",
    "v4l2-ctl -d /dev/video0 --set-ctrl loop_video=1,osd_text_mode=2",
):
    done = sh(command)
    assert done.returncode == 0, command + done.stdout + done.stderr
output = "v4l2-ctl -d /dev/video1 --stream-no-query --stream-out-mmap --stream-from=/srv/frame.bgr --stream-loop"
writer = subprocess.Popen(output.split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
drop_in("slow", "[Service]\\nTimeoutStartSec=400s\\nWatchdogSec=400s\\n")  # an emulated processor
systemctl("start", "edge-retinaface.socket")
with subscribe() as client, client.makefile() as reader:
    client.settimeout(400)
    json.loads(reader.readline())
    messages = []
    while not (messages and messages[-1]["faces"]) and len(messages) < 20:
        messages.append(json.loads(reader.readline()))
    messages.append(json.loads(reader.readline()))
until(lambda: show("ActiveState") == "active", 60)
status, memory, log = show("StatusText"), int(show("MemoryCurrent")), journal()
nodes = sh("stat --format='%n %a %G' /dev/video0 /dev/media0 /dev/net/tun").stdout.splitlines()
exposure = sh(f"systemd-analyze security {SERVICE}").stdout.splitlines()[-1].split(": ")[1].split()[0]

systemctl("stop", SERVICE)
until(lambda: show("ActiveState") == "inactive", 60)
writer.terminate()
drop_in("probe", "[Service]\\nType=oneshot\\nExecStart=\\nExecStart=python3 /srv/probe.py\\nRestart=no\\n")
def probe():
    mark = journal()
    assert systemctl("start", SERVICE) == 0, journal()
    words = [line.split() for line in journal().removeprefix(mark).splitlines()]
    return {name: result for name, result, *_ in words if name in ("video0", "media0", "net/tun")}
base = probe()
assert sh("/opt/edge-retinaface/bin/edge-retinaface install-service --root / --with picamera2").returncode == 0
picamera = probe()
report(messages=messages, status=status, memory_mib=memory / 2**20, log=log, nodes=nodes, exposure=exposure, base=base,
       picamera=picamera)
"""


@pytest.fixture(scope="module")
def found(machine: list[Path], astronaut: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if reason := vm.missing():
        pytest.skip(reason)
    layer = tmp_path_factory.mktemp("camera") / "layer"
    (layer / "srv").mkdir(parents=True)
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:, :480] = cv2.resize(np.asarray(cv2.imread(str(astronaut))), (480, 480))
    (layer / "srv/frame.bgr").write_bytes(picture.tobytes())
    files = {"etc/edge-retinaface/config.toml": CONFIG, "srv/probe.py": PROBE}
    return vm.boot([layer, *machine], SCRIPT, files=files, limit_s=1400)


def test_faces_come_from_a_v4l2_device_to_the_socket(found: dict[str, Any]) -> None:
    message = found["messages"][-1]
    (face,) = message["faces"]
    assert (message["width"], message["height"], message["camera"]) == (640, 480, "door")
    assert face["score"] > 0.9
    # the astronaut's box at 480 of 512
    assert np.allclose(face["box"], np.array([177.7, 57.1, 274.0, 180.2]) * 480 / 512, atol=6)
    assert found["status"] == "door: running"


def test_the_group_video_and_the_device_rules_open_the_camera_and_nothing_else(found: dict[str, Any]) -> None:
    assert found["nodes"] == ["/dev/video0 660 video", "/dev/media0 660 video", "/dev/net/tun 666 root"]
    assert found["base"] == {"video0": "ok", "media0": "EPERM", "net/tun": "EPERM"}


def test_the_drop_in_for_picamera2_opens_media_controllers_as_well(found: dict[str, Any]) -> None:
    assert found["picamera"] == {"video0": "ok", "media0": "ok", "net/tun": "EPERM"}


def test_the_live_exposure_is_at_most_1_6_and_memory_far_below_its_limit(found: dict[str, Any]) -> None:
    assert float(found["exposure"]) <= 1.6
    assert found["memory_mib"] < 384
