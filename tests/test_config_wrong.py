"""What is wrong in a file or the environment is one line."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from config_cases import EVERYDAY, SHORTEST, WRONG, Load, complaint
from hypothesis import given
from hypothesis import strategies as st

from edge_retinaface.config import (
    Config,
    load_config,
)
from edge_retinaface.config.build import Place, build
from edge_retinaface.config.environ import overlay
from edge_retinaface.errors import ConfigError


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


def test_a_name_with_strange_bytes_from_the_environment_is_refused(load: Load) -> None:
    strange = os.fsdecode(b"caf\xe9")
    assert "wanted text without control characters" in complaint(
        load, EVERYDAY, {"EDGE_RETINAFACE_MQTT__USERNAME": strange}
    )


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
