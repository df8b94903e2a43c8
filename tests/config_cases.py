"""Configuration files, right and wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_retinaface.config import (
    Config,
    load_config,
)
from edge_retinaface.errors import ConfigError

ROOT = Path(__file__).parent.parent
EVERYDAY = """
device = "pi-hall"

[model]
path = "/var/lib/edge-retinaface/models/current.tflite"
threads = 2
threshold = 0.6
max_iou = 0.4
delegate = ""
delegate_fallback = false

[[camera]]
name = "door"
uri = "picamera:0"
width = 1280
height = 720
max_fps = 15.0
rotation = 0
loop = false
realtime = true

[mqtt]
host = "broker.lan"
port = 8883
username = "pi-hall"
password_file = "/etc/edge-retinaface/mqtt.password"
ca_file = "/etc/edge-retinaface/ca.crt"
prefix = "edge_retinaface"
qos = 1
queue = 256
discovery = "homeassistant"

[socket]
path = "/run/edge-retinaface/edge-retinaface.sock"
queue = 64

[stdout]
enabled = false
"""
SHORTEST = '[[camera]]\nname = "door"\nuri = "picamera:0"\n'
Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a text as `config.toml`, by default readable by its owner only."""

    def load_text(text: str, environ: dict[str, str] | None = None, mode: int = 0o600) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(mode)
        return load_config(path, environ or {})

    return load_text


def complaint(load: Load, text: str, environ: dict[str, str] | None = None, mode: int = 0o600) -> str:
    """The error without the folder of the file."""
    with pytest.raises(ConfigError) as caught:
        load(text, environ, mode)
    message = str(caught.value)
    assert "\n" not in message
    return re.sub(r"^\S*/config\.toml", "config.toml", message)


def with_camera(text: str) -> str:
    return f"{text}\n{SHORTEST}"


WRONG = {
    "": "camera: wanted a list of tables, found nothing",
    "camera = []": "camera: wanted a list of tables, found an empty list",
    "camera = 3": "camera: wanted a list of tables, found 3",
    "camera = [3]": "camera[0]: wanted a table, found 3",
    '[[camera]]\nname = "door"': "camera[0].uri: wanted picamera:0, v4l2:/dev/video0, rtsp://…, http://…, "
    "file:clip.mp4 or folder:pictures, found nothing",
    with_camera("[mqtt]\nprot = 1883"): 'mqtt.prot: wanted a known key (did you mean "port"?), found "prot"',
    with_camera("[stdout]\nxyz = 1"): 'stdout.xyz: wanted one of the keys enabled, found "xyz"',
    with_camera("[mqqt]"): 'mqqt: wanted a known key (did you mean "mqtt"?), found "mqqt"',
    with_camera('[mqtt]\nport = "1883"'): 'mqtt.port: wanted a whole number from 1 to 65535, found "1883"',
    with_camera("[mqtt]\nport = 0"): "mqtt.port: wanted a whole number from 1 to 65535, found 0",
    with_camera("[mqtt]\nport = true"): "mqtt.port: wanted a whole number from 1 to 65535, found true",
    with_camera("[mqtt]\nport = 1.5"): "mqtt.port: wanted a whole number from 1 to 65535, found 1.5",
    with_camera("[mqtt]\nqos = 2"): "mqtt.qos: wanted one of 0, 1, found 2",
    with_camera('[mqtt]\nhost = ""'): 'mqtt.host: wanted a host name or address, found ""',
    with_camera('[mqtt]\nhost = "a..b"'): 'mqtt.host: wanted a host name or address, found "a..b"',
    with_camera('[mqtt]\nprefix = "a/#"'): 'mqtt.prefix: wanted a topic of letters, digits, . - _ and /, found "a/#"',
    with_camera("[model]\nthreshold = 1.1"): "model.threshold: wanted a number from 0 to 1, found 1.1",
    with_camera("[model]\nthreshold = nan"): "model.threshold: wanted a number from 0 to 1, found NaN",
    with_camera("[model]\npath = 3"): "model.path: wanted text without control characters, found 3",
    with_camera('[model]\npath = "a\\u0000b"'): 'model.path: wanted text without control characters, found "a\\u0000b"',
    with_camera('[model]\ndelegate = "edgetup"'): 'model.delegate: wanted "", "edgetpu", "edgetpu:usb:0" or the '
    'path of a delegate library, found "edgetup"',
    with_camera('[model]\ntiles = "9x1"'): 'model.tiles: wanted "1x1" to "8x8", found "9x1"',
    with_camera('[model]\ninterpreter = "tf"'): 'model.interpreter: wanted one of "", "litert", "tflite-runtime", '
    'found "tf"',
    with_camera("stdout = 1"): "stdout: wanted a table, found 1",
    with_camera("socket = []"): "socket: wanted a table, found a list",
    with_camera(f'[socket]\npath = "/{"x" * 107}"'): "socket.path: wanted a path of at most 107 bytes, found 108 bytes",
    f"{SHORTEST}max_fps = 0": "camera[0].max_fps: wanted a number above 0 to 240, found 0",
    f"{SHORTEST}max_fps = inf": "camera[0].max_fps: wanted a number above 0 to 240, found Infinity",
    f"{SHORTEST}rotation = 45": "camera[0].rotation: wanted one of 0, 90, 180, 270, found 45",
    f'{SHORTEST}flip = "up"': 'camera[0].flip: wanted one of "", "horizontal", "vertical", found "up"',
    f"{SHORTEST}loop = true": "camera[0].loop: wanted false: only files and folders start again, "
    "found true with picamera:",
    f"{SHORTEST}realtime = false": "camera[0].realtime: wanted true: only files and folders can go faster, "
    "found false with picamera:",
    SHORTEST + SHORTEST: 'camera[1].name: wanted a name of its own, found "door" a second time',
    SHORTEST.replace("door", "front door"): "camera[0].name: wanted 1 to 64 letters, digits, - or _, "
    'found "front door"',
    SHORTEST.replace("door", "a/b"): 'camera[0].name: wanted 1 to 64 letters, digits, - or _, found "a/b"',
    SHORTEST.replace("door", "+"): 'camera[0].name: wanted 1 to 64 letters, digits, - or _, found "+"',
    SHORTEST.replace("door", "door\\n"): 'camera[0].name: wanted 1 to 64 letters, digits, - or _, found "door\\n"',
    f'device = "{"x" * 65}"\n{SHORTEST}': f'device: wanted 1 to 64 letters, digits, - or _, found "{"x" * 59}…',
    with_camera('[mqtt]\nusername = "a"'): "mqtt.username: wanted a password as well (password_file), or neither, "
    "found no password",
    with_camera('[mqtt]\npassword_file = "/a"'): "mqtt.username: wanted a user name for the password, or neither, "
    "found no user name",
    with_camera('[mqtt]\ncert_file = "/a"'): "mqtt.key_file: wanted both cert_file and key_file, or neither, "
    "found no key_file",
    with_camera('[mqtt]\nkey_file = "/a"'): "mqtt.cert_file: wanted both cert_file and key_file, or neither, "
    "found no cert_file",
    with_camera(
        '[mqtt]\nusername = "a"\npassword = "b"\npassword_file = "/c"'
    ): "mqtt.password: wanted one of password and password_file, found both",
}
