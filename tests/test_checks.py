import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mosquitto
import msgspec
import pytest
from waiting import eventually

from edge_retinaface.checks import Finding, run_checks
from edge_retinaface.config import SocketSettings
from edge_retinaface.message import CameraStats, Device, Stats
from edge_retinaface.publishers import SocketPublisher

CRASH = "__attribute__((constructor)) static void crash(void) { *(volatile int *)0 = 1; }"
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, default_model: Path, astronaut: Path) -> Write:
    """Writes a configuration: the astronaut as the camera "door", the real model, and what the test adds."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(astronaut, pictures)

    def write(more: str = "", model: str = f'path = "{default_model}"') -> Path:
        path = tmp_path / "config.toml"
        path.write_text(
            f'device = "pi"\n[[camera]]\nname = "door"\nuri = "folder:{pictures}"\n[model]\n{model}\n'
            f'[socket]\npath = "{tmp_path}/er.sock"\n{more}'
        )
        return path

    return write


def check(path: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in run_checks(path, {})}


def test_all_is_well_with_a_model_a_camera_and_a_place_for_the_socket(write: Write) -> None:
    found = check(write())
    assert [finding.name for finding in found.values() if finding.ok] == ["config", "service", "model", "camera door"]
    assert found["camera door"].found.startswith("512x512, first frame after ")
    assert found["model"].found.startswith("mnet025-480x640-int8, input 480x640, ")


def test_a_wrong_configuration_is_the_only_finding(tmp_path: Path) -> None:
    (finding,) = run_checks(tmp_path / "none.toml", {})
    assert (finding.name, finding.ok) == ("config", False)
    assert "No such file" in finding.found


def test_a_camera_that_is_not_there_does_not_keep_the_others_from_being_tried(write: Write) -> None:
    found = check(write('[[camera]]\nname = "gone"\nuri = "v4l2:/dev/video99"\n'))
    assert found["camera door"].ok
    assert not found["camera gone"].ok
    assert "/dev/video99: wanted a video device, found nothing there" in found["camera gone"].found
    assert "v4l2-ctl" in found["camera gone"].advice


def test_a_file_that_is_no_model_is_found(write: Write, tmp_path: Path) -> None:
    (tmp_path / "text.tflite").write_text("no model at all")
    found = check(write(model=f'path = "{tmp_path}/text.tflite"'))
    assert not found["model"].ok
    assert "wanted a TFLite model" in found["model"].found
    assert found["camera door"].ok


def test_a_delegate_that_is_missing_is_found_with_what_to_do(write: Write, default_model: Path) -> None:
    found = check(write(model=f'path = "{default_model}"\ndelegate = "libnone.so"'))
    assert not found["model"].ok
    assert "libnone.so" in found["model"].found
    assert "runs on the CPU" in found["model"].advice


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler: apt-get install gcc")
def test_a_delegate_that_crashes_takes_only_the_probe_with_it(
    write: Write, default_model: Path, tmp_path: Path
) -> None:
    library = tmp_path / "libcrash.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"],
        input=CRASH,
        text=True,
        check=True,
        capture_output=True,
    )
    found = check(write(model=f'path = "{default_model}"\ndelegate = "{library}"'))
    assert (found["model"].ok, found["model"].found) == (False, "the interpreter died of SIGSEGV")
    assert "built for the version of this interpreter" in found["model"].advice
    assert found["camera door"].ok


def test_a_socket_without_a_place_is_found(write: Write) -> None:
    path = write()
    path.write_text(path.read_text().replace("er.sock", "none/er.sock"))
    found = check(path)
    assert not found["service"].ok
    assert found["service"].found.endswith("wanted a folder for the socket, found nothing there")


def test_a_service_that_runs_is_asked_and_its_cameras_are_left_alone(write: Write, tmp_path: Path) -> None:
    cameras = "".join(f'[[camera]]\nname = "{name}"\nuri = "v4l2:/dev/video99"\n' for name in ("gone", "new"))
    path = write(f"{cameras}[mqtt]\n")
    stats = Stats(
        device="pi",
        time="",
        uptime_s=1,
        cameras={
            "door": CameraStats(status="running", fps=14.96, frames={}),
            "gone": CameraStats(status="away: unplugged", fps=0, frames={}),
        },
        stages_ms={},
        publishers={"mqtt": {"sent": 3, "refused": 2}, "socket": {"sent": 5}},
        troubles={"mqtt": "mqtt: the broker refuses t (Not authorized)"},
        memory_mib=1,
    )
    publisher = SocketPublisher(
        SocketSettings(path=f"{tmp_path}/er.sock"),
        Device(device="pi", version="7.8"),
        on_command=lambda _: None,
        stats=lambda: msgspec.json.encode(stats),
        environ={},
    )
    found = check(path)
    publisher.close(1)
    assert found["service"].found == "runs, version 7.8, as pi"
    assert found["camera door"] == Finding("camera door", ok=True, found="running, 15.0 fps")
    assert (found["camera gone"].ok, found["camera gone"].found) == (False, "unplugged")
    assert found["camera new"].found == "not among the cameras of the service that runs"
    assert (found["mqtt"].ok, found["mqtt"].found) == (False, "mqtt: the broker refuses t (Not authorized)")
    assert found["socket"] == Finding("socket", ok=True, found="5 sent")


def test_the_command_says_it_in_lines_or_json_and_exits_with_1(write: Write) -> None:
    command = [sys.executable, "-m", "edge_retinaface", "check", "--config", str(write("[mqtt]\nport = 1\n"))]
    text = subprocess.run(command, capture_output=True, text=True, check=False)
    as_json = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert (text.returncode, as_json.returncode) == (1, 1)
    findings = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert [(one["name"], one["ok"]) for one in findings] == [
        ("config", True),
        ("service", True),
        ("model", True),
        ("camera door", True),
        ("broker", False),
    ]
    lines = text.stdout.splitlines()
    assert lines[-2].startswith("FAIL  broker            localhost:1: wanted a connection, found Connection refused")
    assert lines[-1].strip() == findings[-1]["advice"]


def test_the_command_exits_with_0_if_all_works(write: Write) -> None:
    command = [sys.executable, "-m", "edge_retinaface", "check", "--config", str(write())]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.broker
@pytest.mark.skipif(not mosquitto.AVAILABLE, reason=mosquitto.MISSING)
class TestBroker:
    MQTT = '[mqtt]\nhost = "127.0.0.1"\nport = {}\n'

    def test_availability_one_real_message_and_the_discovery_are_published(self, write: Write, tmp_path: Path) -> None:
        settings = "allow_anonymous true\n"
        with mosquitto.Broker(tmp_path, settings) as broker, mosquitto.Watcher(broker.port) as other:
            found = check(write(self.MQTT.format(broker.port)))
            assert eventually(lambda: other.of("edge_retinaface/pi/door/faces"))
            (message,) = other.of("edge_retinaface/pi/door/faces")
            assert other.of("edge_retinaface/pi/availability") == [b"offline"]
            assert eventually(lambda: other.of("homeassistant/device/edge_retinaface_pi/config"))
        assert found["broker"].ok
        assert found["broker publishes"].ok
        (face,) = json.loads(message)["faces"]  # the astronaut's
        assert face["score"] > 0.9

    def test_every_topic_that_the_acl_refuses_is_named(self, write: Write, tmp_path: Path) -> None:
        (tmp_path / "acl").write_text("topic write edge_retinaface/pi/availability\ntopic read #\n")
        with mosquitto.Broker(tmp_path, f"allow_anonymous true\nacl_file {tmp_path}/acl\n") as broker:
            found = check(write(self.MQTT.format(broker.port)))
        assert found["broker"].ok
        assert not found["broker publishes"].ok
        assert found["broker publishes"].found == (
            "refused: edge_retinaface/pi/door/faces (Not authorized), "
            "homeassistant/device/edge_retinaface_pi/config (Not authorized)"
        )

    def test_a_wrong_password_is_told_from_a_broker_that_is_away(self, write: Write, tmp_path: Path) -> None:
        (tmp_path / "users").write_text("")
        with mosquitto.Broker(tmp_path, f"password_file {tmp_path}/users\n") as broker:
            found = check(write(self.MQTT.format(broker.port)))
        assert "Not authorized" in found["broker"].found
        assert "password" in found["broker"].advice
        assert "broker publishes" not in found

    @pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho leaves it to the collector
    def test_a_certificate_of_a_strange_authority_is_found(self, write: Write, tmp_path: Path) -> None:
        certificates = mosquitto.make_certificates(tmp_path)
        tls = f"certfile {certificates.server}\nkeyfile {certificates.server_key}\nallow_anonymous true\n"
        with mosquitto.Broker(tmp_path, tls) as broker:
            strange = check(write(self.MQTT.format(broker.port) + f'ca_file = "{certificates.other_ca}"\n'))
            right = check(write(self.MQTT.format(broker.port) + f'ca_file = "{certificates.ca}"\n'))
        assert "a certificate that is not trusted" in strange["broker"].found
        assert right["broker"].found.endswith("connected with TLS")
