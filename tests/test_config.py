import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.config import (
    CAMERA_SCHEMES,
    CameraSettings,
    Config,
    ModelSettings,
    MqttSettings,
    Secret,
    SocketSettings,
    StdoutSettings,
    config_schema,
    hide_passwords,
    load_config,
    read_password,
    show_config,
)
from edge_retinaface.config.build import Place, build
from edge_retinaface.config.environ import overlay
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


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_one_line_with_file_key_wanted_and_found(load: Load, text: str) -> None:
    assert complaint(load, text) == f"config.toml: {WRONG[text]}"


def test_a_file_that_is_no_toml_names_the_line(load: Load) -> None:
    assert re.search(r"^config.toml: wanted TOML, found: .*\(at line 2, column", complaint(load, "\ndevice pi"))


def test_a_file_that_is_not_there_or_no_text_is_one_line_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml: wanted a configuration file, found: No such file"):
        load_config(tmp_path / "config.toml", {})
    (tmp_path / "config.toml").write_bytes(b'device = "\xff"')
    with pytest.raises(ConfigError, match=r"config\.toml: wanted UTF-8 text, found byte 0xff"):
        load_config(tmp_path / "config.toml", {})
    with pytest.raises(ConfigError, match="wanted a configuration file, found: Is a directory"):
        load_config(tmp_path, {})


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


WRONG_VARIABLES = {
    ("MQTT__PORT", "many"): 'mqtt.port: wanted a whole number from 1 to 65535, found "many"',
    ("MQTT__PORT", "1\nhost = 2"): 'mqtt.port: wanted a whole number from 1 to 65535, found "1\\nhost = 2"',
    ("MQTT__HOSTS", "a"): 'mqtt.hosts: wanted a known key (did you mean "host"?), found "hosts"',
    ("MQT__HOST", "a"): 'mqt: wanted a known key (did you mean "mqtt"?), found "mqt"',
    ("MQTT", "a"): 'mqtt: wanted a table, found "a"',
    ("CAMERA", "a"): 'camera: wanted a list of tables, found "a"',
    ("DEVICE__NAME", "a"): "wanted a table at device, found a single value",
    ("CAMERA__2__NAME", "a"): "wanted a number from 0 to 1, found '2'",
    ("CAMERA__1__NAME", "a"): "camera[1].uri: wanted picamera:0, v4l2:/dev/video0, rtsp://…, http://…, "
    "file:clip.mp4 or folder:pictures, found nothing",
    ("CAMERA__DOOR__NAME", "a"): "wanted a number from 0 to 1, found 'door'",
    ("CAMERA__0", "a"): "wanted the name of a key after the number, found none",
    ("MQTT__PASSWORD", "swordfish"): "wanted the password in a file (mqtt.password_file), found it in the environment",
    ("CAMERA__0__URI", "rtps://u:swordfish@h"): "camera[0].uri: wanted picamera:0, v4l2:/dev/video0, rtsp://…, "
    'http://…, file:clip.mp4 or folder:pictures, found "rtps://u:***@h"',
}


@pytest.mark.parametrize(("name", "value"), WRONG_VARIABLES)
def test_a_wrong_variable_is_named(load: Load, name: str, value: str) -> None:
    expected = f"EDGE_RETINAFACE_{name}: {WRONG_VARIABLES[name, value]}"
    assert complaint(load, EVERYDAY, {f"EDGE_RETINAFACE_{name}": value}) == expected


WITH_PASSWORD = with_camera('[mqtt]\nusername = "u"\npassword = "swordfish"')
WITH_URI_PASSWORD = SHORTEST.replace("picamera:0", "rtsp://u:swordfish@cam/1")


def test_a_password_may_stand_in_a_file_that_others_cannot_read(load: Load) -> None:
    mqtt = load(WITH_PASSWORD, mode=0o640).mqtt
    assert mqtt is not None
    assert read_password(mqtt) == Secret("swordfish")
    assert load(WITH_URI_PASSWORD, mode=0o640).camera[0].uri == "rtsp://u:swordfish@cam/1"


@pytest.mark.parametrize(("text", "key"), [(WITH_PASSWORD, "mqtt.password"), (WITH_URI_PASSWORD, "camera[0].uri")])
def test_a_password_in_a_world_readable_file_is_refused(load: Load, text: str, key: str) -> None:
    assert complaint(load, text, mode=0o644) == (
        f"config.toml: {key}: wanted a file that other users cannot read, because a password stands here, "
        "found mode 0644 (chmod o-r)"
    )


def test_a_file_without_passwords_may_be_world_readable(load: Load) -> None:
    assert load(EVERYDAY, mode=0o644).device == "pi-hall"


def test_a_password_of_the_wrong_type_is_not_shown(load: Load) -> None:
    assert complaint(load, WITH_PASSWORD.replace('"swordfish"', "4711")) == (
        "config.toml: mqtt.password: wanted text, found something else"
    )


def test_the_systemd_credential_beats_the_password_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "mqtt.password").write_text("from systemd\n")
    mqtt = load(EVERYDAY, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).mqtt
    assert mqtt is not None
    assert mqtt.password_file == str(tmp_path / "mqtt.password")
    assert read_password(mqtt) == Secret("from systemd")


def test_a_credentials_directory_without_ours_changes_nothing(load: Load, tmp_path: Path) -> None:
    assert load(EVERYDAY, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == load(EVERYDAY)


def test_a_password_file_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "password"
    settings = MqttSettings(username="u", password_file=str(path))
    with pytest.raises(
        ConfigError, match=r"^mqtt.password_file: wanted a file .*/password: No such file or directory$"
    ):
        read_password(settings)
    path.write_bytes(b"\n")
    with pytest.raises(ConfigError, match=r"/password: empty$"):
        read_password(settings)
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"/password: not UTF-8 text$"):
        read_password(settings)


def test_no_password_is_none() -> None:
    assert read_password(MqttSettings()) is None


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("swordfish")
    shown = f"{secret} {secret!r} {[secret]} %s {MqttSettings(username='u', password=secret)}" % secret
    assert "swordfish" not in shown
    assert (secret.reveal(), secret, len({secret, Secret("swordfish")})) == ("swordfish", Secret("swordfish"), 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("picamera:0", "picamera:0"),
        ("rtsp://cam/1", "rtsp://cam/1"),
        ("rtsp://u@cam/1", "rtsp://u@cam/1"),
        ("rtsp://u:p@ss:w@cam:554/a@b", "rtsp://u:***@cam:554/a@b"),
        ("http://c/?user=u&password=p&x=1", "http://c/?user=u&password=***&x=1"),
        ("http://c/?Token=a%20b#f", "http://c/?Token=***#f"),
    ],
)
def test_passwords_in_urls_are_hidden(text: str, shown: str) -> None:
    assert hide_passwords(text) == shown


def test_what_is_shown_is_the_same_configuration_again(load: Load) -> None:
    config = load(EVERYDAY.replace("pi-hall.", "").replace("current", 'a \\"b\\" \\\\ ü\\u00a0'))
    assert load(show_config(config)) == config


def test_what_is_shown_holds_no_secret(load: Load) -> None:
    shown = show_config(load(WITH_PASSWORD + WITH_URI_PASSWORD.replace("door", "gate")))
    assert "swordfish" not in shown
    assert tomllib.loads(shown)["mqtt"]["password"] == "(hidden)"  # noqa: S105 - that is the point
    assert tomllib.loads(shown)["camera"][1]["uri"] == "rtsp://u:***@cam/1"


def test_the_schema_that_ships_is_the_one_of_this_version() -> None:
    shipped = json.loads((ROOT / "deploy" / "config.schema.json").read_text())
    assert shipped == config_schema(), "write it again: python tests/golden/write_config_schema.py"


def test_the_schema_describes_every_key() -> None:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for struct in schema["$defs"].values():
        for name, key in struct["properties"].items():
            inner = key.get("anyOf", [key])[0]
            assert "description" in key or "description" in inner or "$ref" in inner, name


def test_the_schema_and_the_loader_agree() -> None:
    validator = jsonschema.Draft202012Validator(config_schema())
    assert list(validator.iter_errors(tomllib.loads(EVERYDAY))) == []
    assert list(validator.iter_errors(tomllib.loads(SHORTEST))) == []
    together = (
        "loop",
        "realtime",
        "name of its own",
        "or neither",
        "found both",
        "bytes",
        "NaN",
    )  # more than a schema says
    refused = [text for text, reason in WRONG.items() if not any(word in reason for word in together)]
    assert len(refused) > 20
    for text in refused:
        assert list(validator.iter_errors(tomllib.loads(text))), text


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = st.sampled_from(["name", "uri", "mqtt", "camera", "host", "port", "model", "password", "threads"]) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)


def complaint_about(table: dict[str, Any], environ: dict[str, str]) -> str:
    """What is wrong with it, "" if nothing."""
    try:
        overlay(table, environ)
        build(Config, table, Place("file"))
    except ConfigError as error:
        return str(error)
    return ""


@given(table=st.dictionaries(KEYS, VALUES, max_size=4))
def test_no_table_makes_more_than_a_configuration_or_one_line(table: dict[str, Any]) -> None:
    found = complaint_about(table, {})
    assert found == "" or (found.startswith("file: ") and len(found.splitlines()) == 1)


VARIABLES = KEYS.filter(str.isprintable)
NAMES = st.lists(VARIABLES | st.integers(0, 3).map(str), min_size=1, max_size=4).map("__".join)


@given(environ=st.dictionaries(NAMES.map("EDGE_RETINAFACE_{}".format), st.text(), min_size=1, max_size=3))
def test_no_environment_makes_more_than_a_configuration_or_one_line(environ: dict[str, str]) -> None:
    found = complaint_about(tomllib.loads(SHORTEST), environ)
    assert found == "" or (found.startswith((*environ, "file: ")) and len(found.splitlines()) == 1)


def test_the_guide_names_every_key_and_its_examples_load(load: Load) -> None:
    guide = (ROOT / "docs" / "guide" / "configuration.md").read_text()
    for struct in config_schema()["$defs"].values():
        for name in struct["properties"]:
            assert f"`{name}`" in guide or f"[{name}]" in guide, name
    examples = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert examples
    for example in examples:
        load(example)


def test_a_name_with_strange_bytes_from_the_environment_is_refused(load: Load) -> None:
    strange = os.fsdecode(b"caf\xe9")
    assert "wanted text without control characters" in complaint(
        load, EVERYDAY, {"EDGE_RETINAFACE_MQTT__USERNAME": strange}
    )
