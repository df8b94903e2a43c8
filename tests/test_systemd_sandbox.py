"""What the unit keeps its process from, seen from inside: the same unit, with a probe in the place of the detector."""

from pathlib import Path
from typing import Any

import nspawn
import pytest

pytestmark = pytest.mark.systemd
PROBE = '''
import errno, glob, json, os, socket, mmap, ctypes
def tried(action):
    """ok, or the name of the error."""
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"
def send(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", (address, 9))
def raw(number, *arguments):
    if ctypes.CDLL(None, use_errno=True).syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
writable = sorted({top for top, _, _ in os.walk("/") if top.count("/") < 4 and os.access(top, os.W_OK)
                   and not top.startswith(("/proc", "/sys"))})
print(json.dumps({
    "user": os.getuid(), "groups": os.getgroups(), "capabilities": int(status["CapEff"], 16),
    "bounding": int(status["CapBnd"], 16), "no_new_privileges": status["NoNewPrivs"].strip(),
    "device": tried(lambda: open("/dev/refused", "rb")),
    "null": tried(lambda: open("/dev/null", "wb")),
    "write": {path: tried(lambda: open(path, "w")) for path in ("/etc/x", "/var/lib/edge-retinaface/x", "/tmp/x",
              "/var/tmp/x", "/run/edge-retinaface/x", "/opt/edge-retinaface/x")},
    "writable": writable,
    "home": tried(lambda: os.listdir("/home")),
    "near": tried(lambda: send("127.0.0.1")), "lan": tried(lambda: send("192.168.7.7")),
    "far": tried(lambda: send("203.0.113.7")), "packet": tried(lambda: socket.socket(socket.AF_PACKET)),
    "write_execute": tried(lambda: mmap.mmap(-1, 4096, prot=7)),
    "mount": tried(lambda: raw(165, b"none", b"/mnt", b"tmpfs", 0, 0)),
    "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()) == [str(os.getpid())],
    "credentials": sorted(os.listdir(os.environ.get("CREDENTIALS_DIRECTORY", "/srv/none"))),
    "core": __import__("resource").getrlimit(4),
}), flush=True)
'''
INSIDE = '''
drop_in("probe", """[Service]
Type=oneshot
ExecStart=
ExecStart=python3 /srv/probe.py
Restart=no
""")
sh("mkdir -p /etc/credstore /srv/none; mknod -m 666 /dev/refused c 10 200")
Path("/etc/credstore/edge-retinaface.mqtt.password").write_text("secret")
Path("/etc/credstore/edge-retinaface.mqtt.password").chmod(0o600)
for address in ("203.0.113.7", "192.168.7.7"):
    sh(f"ip address add {address}/32 dev lo")
assert systemctl("start", SERVICE) == 0, journal()
(found,) = [line for line in journal().splitlines() if line.startswith("{")]
open('/dev/refused')  # the node is good: it is the unit that refuses
report(**json.loads(found), names=sh("id -Gn edge-retinaface").stdout.split(),
       exposure=sh(f"systemd-analyze security {SERVICE}").stdout.splitlines()[-1].split(": ")[1].split()[0])
'''


@pytest.fixture(scope="module")
def found(machine: list[Path]) -> dict[str, Any]:
    """What the probe and its machine say."""
    found: dict[str, Any] = nspawn.boot(machine, INSIDE, files={"srv/probe.py": PROBE})
    return found


def test_the_live_exposure_is_at_most_1_6(found: dict[str, Any]) -> None:
    assert float(found["exposure"]) <= 1.6


def test_it_runs_as_its_own_user_in_the_groups_of_cameras_and_coral_without_capabilities(found: dict[str, Any]) -> None:
    assert found["user"] != 0
    assert set(found["names"]) == {"edge-retinaface", "video", "plugdev"}
    assert len(found["groups"]) == 3
    assert (found["capabilities"], found["bounding"], found["no_new_privileges"]) == (0, 0, "1")


def test_a_device_that_is_not_allowed_is_eperm_though_its_mode_is_0666(found: dict[str, Any]) -> None:
    assert found["device"] == "EPERM"  # EACCES would be the mode's refusal
    assert found["null"] == "ok"


def test_no_place_can_be_written_but_shared_memory(found: dict[str, Any]) -> None:
    assert set(found["write"].values()) == {"EROFS"}
    assert found["writable"] == ["/dev/mqueue", "/dev/shm", "/run/edge-retinaface-model"]  # noqa: S108 - named, not used
    assert found["core"] == [0, 0]


def test_the_local_network_is_reached_and_the_world_is_not(found: dict[str, Any]) -> None:
    assert (found["near"], found["lan"], found["far"], found["packet"]) == ("ok", "ok", "EPERM", "EAFNOSUPPORT")


def test_homes_other_processes_mounts_and_new_code_are_out_of_reach(found: dict[str, Any]) -> None:
    assert (found["home"], found["mount"], found["write_execute"]) == ("EACCES", "EPERM", "EPERM")
    assert found["processes"]


def test_the_password_comes_as_a_credential(found: dict[str, Any]) -> None:
    assert found["credentials"] == ["mqtt.password"]
