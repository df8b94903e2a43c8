"""The role and its playbooks: read by Ansible, and run on three booted machines of which one is bad."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import mosquitto
import msgspec
import nspawn
import pytest
import test_deb
from machines import SSH, Machine

from edge_retinaface.config import load_config
from edge_retinaface.model_file import read_model, write_model

ROOT = Path(__file__).parent.parent
PLAYS = ROOT / "deploy" / "ansible"
PYTHON_APT = "python3-apt,procps"  # Ansible's apt module needs the first
MACHINES = ("pi-1", "pi-2", "pi-3")
BAD = "pi-2"  # its camera is not there: no frame comes to try a model on
LIMIT_S = 1500

needs_ansible = pytest.mark.skipif(shutil.which("ansible-playbook") is None, reason="apt-get install ansible-lint")


def ansible(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    settings = {"ANSIBLE_NOCOWS": "1", "ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_HOST_KEY_CHECKING": "False"}
    return subprocess.run(
        arguments, cwd=PLAYS, capture_output=True, text=True, check=False, env=os.environ | settings | (environ or {})
    )


@needs_ansible
@pytest.mark.parametrize("play", ["site", "model", "rollback"])
def test_ansible_understands_the_plays(play: str) -> None:
    done = ansible("ansible-playbook", "-i", "inventory.example.yml", "--syntax-check", f"{play}.yml")
    assert done.returncode == 0, done.stderr


@needs_ansible
def test_the_configuration_that_the_role_writes_is_one_that_the_program_takes(tmp_path: Path) -> None:
    where = tmp_path / "config.toml"
    variables = {
        "edge_retinaface_device": "pi-hall",
        "edge_retinaface_cameras": [{"name": "door", "uri": "picamera:0", "max_fps": 10.0, "width": 640}],
        "edge_retinaface_model": {"threads": 3},
        "edge_retinaface_mqtt": {"host": "broker.lan", "tls": True, "password_file": "/x"},
        "edge_retinaface_mqtt_passwords": {"localhost": "secret"},
    }
    template = f"src={PLAYS}/roles/edge_retinaface/templates/config.toml.j2 dest={where}"
    done = ansible("ansible", "localhost", "-m", "template", "-a", template, "-e", json.dumps(variables))
    assert done.returncode == 0, done.stdout + done.stderr
    config = load_config(where, {})
    assert (config.device, config.camera[0].max_fps, config.model.threads) == ("pi-hall", 10.0, 3)
    assert config.mqtt is not None
    assert (config.mqtt.host, config.mqtt.tls, config.mqtt.username) == ("broker.lan", True, "pi-hall")
    assert "secret" not in where.read_text()


@needs_ansible
@pytest.mark.skipif(shutil.which("ansible-lint") is None, reason="apt-get install ansible-lint")
def test_ansible_lint_finds_nothing_in_any_file() -> None:
    files = [str(path.relative_to(PLAYS)) for path in PLAYS.rglob("*.yml")]
    done = ansible("ansible-lint", "--offline", "--nocolor", "--strict", "--profile", "production", *files)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    linted = re.search(r"0 failure\(s\), 0 warning\(s\) (?:on|in) (\d+) files", said)
    assert linted, said
    assert int(linted[1]) >= len(files), "it passes what it does not find, too"


# ---- on three booted machines


@pytest.fixture
def debian() -> Path:
    base = test_deb.debian("bookworm")
    if not (base / "usr/lib/python3/dist-packages/apt").exists():
        nspawn.run("chroot", str(base), "apt-get", "update", "-qq")
        nspawn.run("chroot", str(base), "apt-get", "install", "-y", "-qq", *PYTHON_APT.split(","))
    return base


@pytest.fixture
def machines(debian: Path, tmp_path: Path, astronaut: Path) -> Iterator[dict[str, Machine]]:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(astronaut, pictures)
    with ExitStack() as stack:
        made = {}
        for name in MACHINES:
            (tmp_path / name).mkdir()
            made[name] = stack.enter_context(Machine(debian, tmp_path / name, pictures))
        yield made


def inventory(machines: dict[str, Machine], port: int, debs: Path, ssh: Path) -> str:
    def camera(name: str) -> dict[str, object]:
        if name == BAD:
            return {"name": "door", "uri": "v4l2:/dev/video9"}
        return {"name": "door", "uri": "folder:/srv/pictures", "loop": True, "max_fps": 5.0}

    hosts = {
        name: {"ansible_host": str(machine.pid), "edge_retinaface_cameras": [camera(name)]}
        for name, machine in machines.items()
    }
    variables = {
        "ansible_ssh_executable": str(ssh),
        "ansible_ssh_transfer_method": "piped",
        "ansible_python_interpreter": "/usr/bin/python3",
        "edge_retinaface_deb_dir": str(debs),
        "edge_retinaface_mqtt": {"host": "127.0.0.1", "port": port},
        "edge_retinaface_fleet_options": f"--host 127.0.0.1 --port {port}",
        "edge_retinaface_health_wait": 60,
    }
    return json.dumps({"cameras": {"hosts": hosts, "vars": variables}})


def make_vault(folder: Path) -> list[str]:
    """Passwords of all machines, encrypted; the broker's file of them; the options for ansible-playbook."""
    passwords = {name: f"secret of {name}" for name in MACHINES}
    for name, password in passwords.items():
        (folder / "users").touch()
        subprocess.run(["mosquitto_passwd", "-b", str(folder / "users"), name, password], check=True)
    vault, key = folder / "vault.yml", folder / "key"
    vault.write_text(json.dumps({"edge_retinaface_mqtt_passwords": passwords}))
    key.write_text("of the vault")
    done = ansible("ansible-vault", "encrypt", f"--vault-password-file={key}", str(vault))
    assert done.returncode == 0, done.stderr
    assert "secret" not in vault.read_text()
    return [f"-e@{vault}", f"--vault-password-file={key}"]


def changed(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    return {name: int(number) for name, number in re.findall(r"^(pi-\d)\s*:.*changed=(\d+)", done.stdout, re.MULTILINE)}


@needs_ansible
@pytest.mark.slow
@pytest.mark.systemd
@pytest.mark.broker
@pytest.mark.convert
@pytest.mark.timeout(3600)
@pytest.mark.skipif(bool(nspawn.missing()), reason=nspawn.missing() or "-")
@pytest.mark.skipif(not mosquitto.AVAILABLE, reason=mosquitto.MISSING)
def test_a_model_goes_to_one_device_after_the_other_and_stops_at_the_bad_one(
    machines: dict[str, Machine], tmp_path: Path, default_model: Path
) -> None:
    command = tmp_path / "edge-retinaface"  # of the computer that runs Ansible
    command.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m edge_retinaface "$@"\n')
    command.chmod(0o755)
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    debs = tmp_path / "debs"
    debs.mkdir()
    shutil.copy(test_deb.package("bookworm"), debs)
    found = read_model(default_model)
    model = tmp_path / "next.tflite"
    write_model(model, found.flatbuffer, msgspec.structs.replace(found.card, name="next"))
    vault = make_vault(tmp_path)
    with mosquitto.Broker(tmp_path, f"allow_anonymous true\npassword_file {tmp_path}/users\n") as broker:
        hosts = tmp_path / "hosts.json"
        hosts.write_text(inventory(machines, broker.port, debs, ssh))

        def play(name: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
            extra = [f"-e{key}={value}" for key, value in variables.items()]
            start = time.monotonic()
            done = ansible(
                "ansible-playbook", "-i", str(hosts), f"{name}.yml", *vault, *options, *extra, environ=environ
            )
            sys.stderr.write(f"{name} {' '.join(options)}: {time.monotonic() - start:.0f} s, changed {changed(done)}\n")
            return done

        first = play("site")
        assert first.returncode == 0, first.stdout[-3000:]
        assert all(number > 0 for number in changed(first).values())
        again = play("site")
        assert changed(again) == dict.fromkeys(MACHINES, 0), again.stdout[-3000:]
        options = {
            "edge_retinaface_model_file": str(model),
            "edge_retinaface_model_options": "'--frames 5 --health 1 --max-slowdown 9 --timeout 60'",
        }
        rolled = play("model", **options)
        assert rolled.returncode != 0, "the bad one stops it"
        assert "no verdict in 60 s: the current model stays" in rolled.stdout
        new = machines["pi-1"].current()
        assert new is not None
        assert [machines[name].current() for name in MACHINES] == [new, None, None]
        assert changed(rolled).get("pi-3") is None, "nobody went on to the third"
        back = play("rollback", edge_retinaface_bad_model=new)
        assert back.returncode == 0, back.stdout[-3000:]
        assert changed(back) == {"pi-1": 1, "pi-2": 0, "pi-3": 0}
        assert [machines[name].current() for name in MACHINES] == [None, None, None]
        assert changed(play("rollback", edge_retinaface_bad_model=new)) == dict.fromkeys(MACHINES, 0)
        good = play("model", f"--limit=!{BAD}", **options)
        assert good.returncode == 0, good.stdout[-3000:]
        assert [machines[name].current() for name in MACHINES] == [new, None, new]
        assert changed(play("model", f"--limit=!{BAD}", **options)) == {"pi-1": 0, "pi-3": 0}
        assert machines["pi-1"]("stat --format='%a %U' /etc/credstore/*").stdout == "600 root\n"
