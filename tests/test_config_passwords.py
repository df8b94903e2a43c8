"""Where a password may stand, and that it is never shown."""

import tomllib
from pathlib import Path

import pytest
from config_cases import EVERYDAY, SHORTEST, Load, complaint, with_camera

from edge_retinaface.config import (
    MqttSettings,
    Secret,
    hide_passwords,
    read_password,
    show_config,
)
from edge_retinaface.errors import ConfigError

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


def test_what_is_shown_holds_no_secret(load: Load) -> None:
    shown = show_config(load(WITH_PASSWORD + WITH_URI_PASSWORD.replace("door", "gate")))
    assert "swordfish" not in shown
    assert tomllib.loads(shown)["mqtt"]["password"] == "(hidden)"  # noqa: S105 - that is the point
    assert tomllib.loads(shown)["camera"][1]["uri"] == "rtsp://u:***@cam/1"
