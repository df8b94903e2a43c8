"""The installed service in a booted systemd: a folder for a camera, the real model, the real socket."""

from pathlib import Path
from typing import Any

import nspawn
import pytest

pytestmark = pytest.mark.systemd
CONFIG = """
device = "pi"
[model]
threads = 1
[[camera]]
name = "door"
uri = "folder:/srv/pictures"
loop = true
max_fps = 10.0
"""
FILES = {"etc/edge-retinaface/config.toml": CONFIG}

# started by a subscriber, looked at, killed, stopped while nobody reads what it sends
LIFE = """
systemctl("enable", "--now", "edge-retinaface.socket")
before = show("ActiveState")
hello, message = lines(2)
until(lambda: show("ActiveState") == "active")
alive = {name: show(name) for name in ("NRestarts", "StatusText", "User")}
place = sh(f"stat --format='%a %U %G' {SOCKET}").stdout.strip()
inode = sh(f"stat --format=%i {SOCKET}").stdout

time.sleep(2)
io = dict(line.split(": ") for line in Path(f"/proc/{pid()}/io").read_text().splitlines())
said = journal()
time.sleep(1)
quiet = journal() == said

sh(f"kill -KILL {pid()}")
until(lambda: show("NRestarts") == "1" and show("ActiveState") == "active")
killed = {"log": journal().removeprefix(said), "message": lines(2)[1]}
stays = sh(f"stat --format=%i {SOCKET}").stdout == inode

deaf = [subscribe() for _ in range(3)]
time.sleep(1)
start = time.monotonic()
systemctl("stop", SERVICE)
stop_s = time.monotonic() - start
stopped = {name: show(name) for name in ("Result", "ExecMainStatus", "ActiveState")}
report(before=before, hello=hello, message=message, alive=alive, place=place, write_bytes=int(io["write_bytes"]),
       quiet=quiet, killed=killed, stays=stays, stop_s=stop_s, stopped=stopped)
"""

# the whole process frozen; then one thread alone, inside the interpreter, while the others go on
HANG = """
import ctypes

drop_in("test", "[Service]\\nWatchdogSec=2s\\nRestartSec=100ms\\n")
systemctl("start", SERVICE)
sh(f"kill -STOP {pid()}")
until(lambda: show("NRestarts") == "1" and show("ActiveState") == "active", 40)
frozen = {"log": journal(), "message": lines(2)[1]}

SEIZE, INTERRUPT, DETACH, ANY_THREAD = 0x4206, 0x4207, 17, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

def trace(request, thread):
    if libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")

def cpu(task):
    return int((task / "stat").read_text().rpartition(")")[2].split()[11])

def answers():
    with subscribe() as client:
        client.settimeout(0.5)
        try:
            return bool(client.recv(1))
        except TimeoutError:
            return False

def restarted():
    try:
        os.waitpid(thread, os.WNOHANG | ANY_THREAD)  # else the process cannot end: we trace it
    except ChildProcessError:
        pass
    return show("NRestarts") == "2" and show("ActiveState") == "active"

time.sleep(2)
thread = int(max(Path(f"/proc/{pid()}/task").iterdir(), key=cpu).name)
for attempt in range(100):  # until it stands where it does not hold Python's lock, as in a driver that hangs
    trace(SEIZE, thread)
    trace(INTERRUPT, thread)
    if answers():
        break
    os.waitpid(thread, ANY_THREAD)
    trace(DETACH, thread)
    time.sleep(0.01)
mark, start = journal(), time.monotonic()
until(restarted, 60)
hung = {"log": journal().removeprefix(mark), "s": time.monotonic() - start, "message": lines(2)[1]}
report(frozen=frozen, hung=hung)
"""

# a configuration that is wrong: at the start, with programs that wait for the socket, and when it is read again
WRONG = f"""
CONFIG = {CONFIG!r}
path = Path("/etc/edge-retinaface/config.toml")
drop_in("test", "[Service]\\nRestartSec=100ms\\n")
systemctl("start", "edge-retinaface.socket")
path.write_text(CONFIG.replace("name", "nome"))
waiting = [subscribe() for _ in range(3)]
until(lambda: show("ActiveState") == "failed")
time.sleep(2)
names = ("ExecMainStatus", "NRestarts", "ActiveState", "Result")
wrong = {{name: show(name) for name in names}} | {{"starts": journal().count("status=78"), "log": journal()}}
listening = show("ActiveState", "edge-retinaface.socket")

path.write_text(CONFIG)
started = systemctl("start", SERVICE)
first = pid()
path.write_text(CONFIG.replace("max_fps = 10", "max_fps = 1000"))
refused = systemctl("reload", SERVICE)
after_refusal = {{"same": pid() == first, "faces": len(lines(2)[1]["faces"])}}
path.write_text(CONFIG.replace('"pi"', '"renamed"'))
accepted = systemctl("reload", SERVICE)
until(lambda: lines(1)[0]["hello"]["device"] == "renamed")
report(wrong=wrong, listening=listening, started=started, refused=refused, after_refusal=after_refusal,
       accepted=accepted, same=pid() == first, log=journal())
"""

# a broker that only looks at how it is greeted
CREDENTIAL = """
broker = socket.create_server(("127.0.0.1", 1883))
folder = Path("/etc/credstore")
folder.mkdir(exist_ok=True)
secret = folder / "edge-retinaface.mqtt.password"
secret.write_text("swordfish")
secret.chmod(0o600)
systemctl("start", SERVICE)
broker.settimeout(20)
connection, _ = broker.accept()
greeting = connection.recv(1000)
checked = sh("/opt/edge-retinaface/bin/edge-retinaface show-config").returncode
systemctl("stop", SERVICE, "edge-retinaface.socket")
secret.unlink()
systemctl("start", SERVICE)
until(lambda: show("ActiveState") == "failed")
report(user=b"pi-user" in greeting, password=b"swordfish" in greeting, checked=checked,
       logged="swordfish" in journal(), without=show("ExecMainStatus"), log=journal())
"""

# from nothing to a message and back, by the command alone
INSTALL = f"""
COMMAND = "/opt/edge-retinaface/bin/edge-retinaface"
first = sh(f"{{COMMAND}} uninstall-service")
gone = sorted(str(path) for path in Path("/etc").rglob("*edge-retinaface*"))
bare = sh(f"{{COMMAND}} install-service")
idle = show("ActiveState")
Path("/etc/edge-retinaface/config.toml").write_text({CONFIG!r})
full = sh(f"{{COMMAND}} install-service")
running = show("ActiveState"), show("UnitFileState"), show("UnitFileState", "edge-retinaface.socket")
message = lines(2)[1]
again = sh(f"{{COMMAND}} install-service --with coral")
until(lambda: show("ActiveState") == "active")
coral = "char-usb_device" in show("DeviceAllow") or "char-usb_device" in sh(f"systemctl cat {{SERVICE}}").stdout
checked = sh(f"{{COMMAND}} check").stdout
last = sh(f"{{COMMAND}} uninstall-service")
left = show("ActiveState"), show("LoadState"), Path(SOCKET).exists()
report(codes=[one.returncode for one in (first, bare, full, again, last)], gone=gone, bare=bare.stderr, idle=idle,
       full=full.stdout + full.stderr, running=running, message=message, coral=coral, checked=checked, left=left,
       remains=sorted(str(path) for path in Path("/etc").rglob("*edge-retinaface*")))
"""


def run(machine: list[Path], script: str, config: str = CONFIG) -> dict[str, Any]:
    return nspawn.boot(machine, script, files={"etc/edge-retinaface/config.toml": config})


@pytest.fixture(scope="module")
def life(machine: list[Path]) -> dict[str, Any]:
    return run(machine, LIFE)


@pytest.fixture(scope="module")
def hang(machine: list[Path]) -> dict[str, Any]:
    return run(machine, HANG)


@pytest.fixture(scope="module")
def wrong(machine: list[Path]) -> dict[str, Any]:
    return run(machine, WRONG)


def has_the_astronaut(message: dict[str, Any]) -> bool:
    (face,) = message["faces"]
    return message["camera"] == "door" and face["score"] > 0.9


def test_a_subscriber_starts_the_service_and_gets_the_greeting_and_faces(life: dict[str, Any]) -> None:
    assert life["before"] == "inactive"
    assert life["hello"]["hello"]["device"] == "pi"
    assert has_the_astronaut(life["message"])


def test_it_is_ready_with_the_first_frame_and_says_what_it_does(life: dict[str, Any]) -> None:
    assert life["alive"] == {"NRestarts": "0", "StatusText": "door: running", "User": "edge-retinaface"}
    assert life["place"] == "660 edge-retinaface edge-retinaface"


def test_it_writes_no_byte_to_a_disk_and_no_line_to_the_journal_while_all_is_well(life: dict[str, Any]) -> None:
    assert (life["write_bytes"], life["quiet"]) == (0, True)


def test_it_comes_back_after_a_kill_on_the_same_socket(life: dict[str, Any]) -> None:
    assert "Main process exited, code=killed, status=9/KILL" in life["killed"]["log"]
    assert has_the_astronaut(life["killed"]["message"])
    assert life["stays"]


def test_it_stops_within_5_s_though_three_subscribers_read_nothing(life: dict[str, Any]) -> None:
    assert life["stop_s"] < 5
    assert life["stopped"] == {"Result": "success", "ExecMainStatus": "0", "ActiveState": "inactive"}


def test_a_frozen_process_is_restarted_by_the_watchdog(hang: dict[str, Any]) -> None:
    assert "Watchdog timeout (limit 2s)!" in hang["frozen"]["log"]
    assert "Failed with result 'watchdog'" in hang["frozen"]["log"]
    assert has_the_astronaut(hang["frozen"]["message"])


def test_a_detector_that_hangs_while_all_else_goes_on_is_restarted_and_the_journal_says_where(
    hang: dict[str, Any],
) -> None:
    log = hang["hung"]["log"]
    assert log.startswith("the detector has been at one frame for 10 s")
    assert "Failed with result 'watchdog'" in log
    assert "in invoke\n" in log  # where the thread stood
    assert has_the_astronaut(hang["hung"]["message"])


def test_exit_code_78_is_not_restarted_even_when_programs_wait_for_the_socket(wrong: dict[str, Any]) -> None:
    assert 'did you mean "name"?' in wrong["wrong"].pop("log")
    assert wrong["wrong"] == {
        "ExecMainStatus": "78",
        "NRestarts": "0",
        "ActiveState": "failed",
        "Result": "exit-code",
        "starts": 1,
    }
    assert wrong["listening"] == "active"


def test_a_wrong_configuration_is_refused_to_whoever_reloads_and_the_old_one_runs_on(wrong: dict[str, Any]) -> None:
    assert (wrong["started"], wrong["refused"]) == (0, 1)
    assert wrong["after_refusal"] == {"same": True, "faces": 1}
    assert "max_fps: wanted a number above 0 to 240, found 1000" in wrong["log"]


def test_a_right_configuration_is_taken_without_a_restart(wrong: dict[str, Any]) -> None:
    assert (wrong["accepted"], wrong["same"]) == (0, True)


def test_the_password_goes_from_the_credential_store_to_the_broker_and_nowhere_else(machine: list[Path]) -> None:
    found = run(machine, CREDENTIAL, CONFIG + '[mqtt]\nhost = "127.0.0.1"\nusername = "pi-user"\n')
    assert (found["user"], found["password"], found["logged"], found["checked"]) == (True, True, False, 0)
    # without the file the service still starts; it is the configuration that wants a password
    assert found["without"] == "78"
    assert "wanted a password as well" in found["log"]


def test_the_command_installs_starts_upgrades_and_removes_the_service(machine: list[Path]) -> None:
    found = run(machine, INSTALL, config="")
    assert found["codes"] == [0, 0, 0, 0, 0]
    assert found["gone"] == found["remains"] == ["/etc/edge-retinaface"]
    assert found["idle"] == "inactive"
    assert "not started: /etc/edge-retinaface/config.toml: camera: wanted" in found["bare"]
    assert found["running"] == ["active", "enabled", "enabled"]
    assert has_the_astronaut(found["message"])
    assert found["coral"]
    checked = found["checked"].splitlines()
    assert [line for line in checked if not line.startswith("ok ")] == []
    assert {"config", "service", "camera", "socket"} <= {line.split()[1] for line in checked}
    assert "camera door       running, " in found["checked"]
    assert found["left"] == ["inactive", "not-found", False]
