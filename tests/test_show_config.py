import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from edge_retinaface.assets import asset
from edge_retinaface.config import load_config
from edge_retinaface.errors import ConfigError

MINIMAL = (
    '[[camera]]\nname = "door"\nuri = "rtsp://pi:geheim@192.168.1.9/s"\n[mqtt]\nusername = "pi"\npassword = "geheim"\n'
)


def show_config(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge_retinaface", "show-config", "--config", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(MINIMAL)
    path.chmod(0o600)
    return path


def test_toml_and_json_say_the_same_with_defaults_and_without_secrets(config: Path) -> None:
    toml, as_json = show_config(config).stdout, show_config(config, "--json").stdout
    assert tomllib.loads(toml) == json.loads(as_json)
    assert json.loads(as_json)["camera"][0]["max_fps"] == 15.0
    assert "geheim" not in toml + as_json


def test_a_wrong_configuration_is_exit_code_78_and_one_line(config: Path) -> None:
    config.write_text("[[camera]]\n")
    done = show_config(config)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (78, "", 1)


def test_the_schema_describes_what_is_shown(config: Path) -> None:
    schema = json.loads(show_config(config, "--schema").stdout)
    shown = json.loads(show_config(config, "--json").stdout)
    jsonschema.validate(shown, schema)


def test_the_configuration_that_is_installed_lacks_nothing_but_a_camera(tmp_path: Path) -> None:
    path = asset("deploy", "config.toml")
    with pytest.raises(ConfigError, match="camera: wanted"):
        load_config(path, {})
    lines = path.read_text().splitlines()
    # each key stands there behind a #, with the value it has anyway or an example
    filled = tmp_path / "config.toml"
    filled.write_text(
        "\n".join(line.removeprefix("#") if "=" in line or line.startswith("#[") else line for line in lines)
    )
    (tmp_path / "password").write_text("secret")
    config = load_config(filled, {"EDGE_RETINAFACE_MQTT__PASSWORD_FILE": str(tmp_path / "password")})
    assert config.camera[0].name == "door"
    assert config.mqtt is not None
    assert config.mqtt.host == "broker.lan"
