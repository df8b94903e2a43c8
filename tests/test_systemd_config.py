"""Under a booted systemd: a wrong configuration, a new one, the password, and installing it all."""

from pathlib import Path
from typing import Any

import pytest
from systemd_cases import CONFIG, has_the_astronaut, run

pytestmark = pytest.mark.systemd
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


@pytest.fixture(scope="module")
def wrong(machine: list[Path]) -> dict[str, Any]:
    return run(machine, WRONG)


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
