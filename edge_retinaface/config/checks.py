"""What must fit together: settings that are each possible, but not with one another."""

import os

from edge_retinaface.config.build import Place
from edge_retinaface.config.settings import RECORDED_SCHEMES, SOCKET_PATH_BYTES, CameraSettings, Config, MqttSettings


def check(config: Config, place: Place) -> None:
    """ConfigError at the first setting that does not fit the others."""
    _check_cameras(config.camera, place)
    if config.mqtt is not None:
        _check_mqtt(config.mqtt, place.of("mqtt"))
    size = len(os.fsencode(config.socket.path))
    if size > SOCKET_PATH_BYTES:
        raise place.of("socket").of("path").error(f"a path of at most {SOCKET_PATH_BYTES} bytes", f"{size} bytes")


def _check_cameras(cameras: tuple[CameraSettings, ...], place: Place) -> None:
    seen: set[str] = set()
    for index, camera in enumerate(cameras):
        here = place.of(f"camera[{index}]")
        if camera.name in seen:
            raise here.of("name").error("a name of its own", f'"{camera.name}" a second time')
        seen.add(camera.name)
        if camera.scheme in RECORDED_SCHEMES:
            continue
        if camera.loop:
            raise here.of("loop").error("false: only files and folders start again", f"true with {camera.scheme}:")
        if not camera.realtime:
            raise here.of("realtime").error(
                "true: only files and folders can go faster", f"false with {camera.scheme}:"
            )


def _check_mqtt(mqtt: MqttSettings, place: Place) -> None:
    if mqtt.password is not None and mqtt.password_file:
        raise place.of("password").error("one of password and password_file", "both")
    has_password = mqtt.password is not None or bool(mqtt.password_file)
    if mqtt.username and not has_password:
        raise place.of("username").error("a password as well (password_file), or neither", "no password")
    if has_password and not mqtt.username:
        raise place.of("username").error("a user name for the password, or neither", "no user name")
    if bool(mqtt.cert_file) != bool(mqtt.key_file):
        missing = "key_file" if mqtt.cert_file else "cert_file"
        raise place.of(missing).error("both cert_file and key_file, or neither", f"no {missing}")
