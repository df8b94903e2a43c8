"""The installed service in a booted systemd: its life, and what happens when it hangs."""

from pathlib import Path
from typing import Any

import pytest
from systemd_cases import has_the_astronaut, run

pytestmark = pytest.mark.systemd
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
task = max(Path(f"/proc/{pid()}/task").iterdir(), key=lambda one: int(one.name))  # the detector's is started last
thread = int(task.name)
for attempt in range(1000):  # until it stands where it does not hold Python's lock, as in a driver that hangs
    trace(SEIZE, thread)
    trace(INTERRUPT, thread)
    at_work = (task / "syscall").read_text().startswith("-1")  # not waiting for the next frame
    if at_work and answers():
        break
    os.waitpid(thread, ANY_THREAD)
    trace(DETACH, thread)
    time.sleep(0.01)
mark, start = journal(), time.monotonic()
until(restarted, 60)
hung = {"log": journal().removeprefix(mark), "s": time.monotonic() - start, "message": lines(2)[1]}
report(frozen=frozen, hung=hung)
"""


@pytest.fixture(scope="module")
def life(machine: list[Path]) -> dict[str, Any]:
    return run(machine, LIFE)


@pytest.fixture(scope="module")
def hang(machine: list[Path]) -> dict[str, Any]:
    return run(machine, HANG)


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
    assert "/edge_retinaface/detector.py" in log  # where the thread stood
    assert has_the_astronaut(hang["hung"]["message"])
