import re

import pytest
from config_cases import EVERYDAY, SHORTEST, Load, with_camera

from edge_retinaface.config import (
    CAMERA_SCHEMES,
    CameraSettings,
    Config,
    ModelSettings,
    MqttSettings,
    SocketSettings,
    StdoutSettings,
)


def test_an_everyday_file_says_what_it_says(load: Load) -> None:
    assert load(EVERYDAY) == Config(
        device="pi-hall",
        model=ModelSettings(path="/var/lib/edge-retinaface/models/current.tflite"),
        camera=(CameraSettings(name="door", uri="picamera:0"),),
        mqtt=MqttSettings(
            host="broker.lan",
            port=8883,
            username="pi-hall",
            password_file="/etc/edge-retinaface/mqtt.password",  # noqa: S106 - a path
            ca_file="/etc/edge-retinaface/ca.crt",
        ),
    )


def test_only_the_cameras_have_no_default(load: Load) -> None:
    config = load(SHORTEST)
    assert (config.model, config.socket, config.stdout) == (ModelSettings(), SocketSettings(), StdoutSettings())
    assert config.mqtt is None
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", config.device)
    assert (config.model.threads, config.model.threshold, config.model.max_iou) == (2, 0.6, 0.4)
    assert (config.camera[0].width, config.camera[0].height, config.camera[0].max_fps) == (1280, 720, 15.0)
    assert (config.camera[0].loop, config.camera[0].realtime) == (False, True)


def test_an_empty_mqtt_table_means_a_broker_on_this_computer(load: Load) -> None:
    mqtt = load(with_camera("[mqtt]")).mqtt
    assert mqtt is not None
    assert (mqtt.host, mqtt.effective_port, mqtt.qos, mqtt.queue) == ("localhost", 1883, 1, 256)
    assert (mqtt.prefix, mqtt.discovery) == ("edge_retinaface", "homeassistant")


@pytest.mark.parametrize("line", ["tls = true", 'ca_file = "/ca"', 'cert_file = "/c"\nkey_file = "/k"'])
def test_tls_moves_the_default_port_to_8883(load: Load, line: str) -> None:
    mqtt = load(with_camera(f"[mqtt]\n{line}")).mqtt
    assert mqtt is not None
    assert (mqtt.uses_tls, mqtt.effective_port) == (True, 8883)


def test_a_whole_number_will_do_where_a_number_is_wanted(load: Load) -> None:
    assert load(f"{SHORTEST}max_fps = 5").camera[0].max_fps == 5.0


@pytest.mark.parametrize("scheme", CAMERA_SCHEMES)
def test_every_scheme_is_a_camera(load: Load, scheme: str) -> None:
    assert load(SHORTEST.replace("picamera:0", f"{scheme}:x")).camera[0].scheme == scheme


def test_the_environment_beats_the_file(load: Load) -> None:
    environ = {
        "EDGE_RETINAFACE_DEVICE": "pi-garden",
        "EDGE_RETINAFACE_MQTT__HOST": "10",  # a number to TOML, a name here
        "EDGE_RETINAFACE_MQTT__PORT": "1884",
        "EDGE_RETINAFACE_CAMERA__0__URI": "v4l2:/dev/video0",
        "EDGE_RETINAFACE_CAMERA__0__MAX_FPS": "5",
        "EDGE_RETINAFACE_STDOUT__ENABLED": "true",
        "EDGE_RETINAFACE_MODEL__PATH": '"quoted"',
        "UNRELATED": "x",
    }
    config = load(EVERYDAY, environ)
    assert config.mqtt is not None
    assert (config.device, config.mqtt.host, config.mqtt.port) == ("pi-garden", "10", 1884)
    assert (config.camera[0].uri, config.camera[0].max_fps) == ("v4l2:/dev/video0", 5.0)
    assert (config.stdout.enabled, config.model.path) == (True, "quoted")


def test_the_environment_can_add_tables_and_cameras(load: Load) -> None:
    environ = {f"EDGE_RETINAFACE_CAMERA__{n}__NAME": f"c{n}" for n in range(12)}
    environ |= {f"EDGE_RETINAFACE_CAMERA__{n}__URI": f"v4l2:{n}" for n in range(12)}
    config = load("", environ | {"EDGE_RETINAFACE_MQTT__HOST": "broker"})
    assert [camera.uri for camera in config.camera] == [f"v4l2:{n}" for n in range(12)]
    assert config.mqtt == MqttSettings(host="broker")
