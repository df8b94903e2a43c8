"""Home Assistant's rules for device discovery, in our own words: it ignores keys it does not know without a sound."""

import json
import re
from typing import Any

import msgspec
import pytest

from edge_retinaface.config import CameraSettings
from edge_retinaface.message import CameraStats, Stats, encode
from edge_retinaface.publishers.homeassistant import discovery_payload, discovery_topic
from edge_retinaface.publishers.topics import Topics

TOPICS = Topics("edge_retinaface", "pi-hall")
CAMERAS = (CameraSettings(name="door", uri="picamera:0"), CameraSettings(name="yard-2_b", uri="v4l2:/dev/video0"))

ROOT_KEYS = {"device", "origin", "components", "availability", "qos", "encoding", "state_topic", "command_topic"}
DEVICE_KEYS = {
    "identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version", "sw_version",
    "serial_number", "suggested_area", "via_device", "configuration_url",
}  # fmt: skip
ORIGIN_KEYS = {"name", "sw_version", "support_url"}
ENTITY_KEYS = {"platform", "unique_id", "name", "icon", "entity_category", "device_class", "state_topic", "qos"}
PLATFORM_KEYS = {
    "sensor": {"value_template", "state_class", "unit_of_measurement", "expire_after", "suggested_display_precision"},
    "binary_sensor": {"value_template", "payload_on", "payload_off", "off_delay", "expire_after"},
    "switch": {"command_topic", "payload_on", "payload_off", "state_on", "state_off", "retain"},
    "number": {"command_topic", "min", "max", "step", "mode", "unit_of_measurement", "retain"},
}
REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "switch": {"command_topic"},
    "number": {"command_topic"},
}
DEVICE_CLASSES = {"sensor": {"temperature": "°C", "data_size": "MiB"}, "binary_sensor": {"occupancy": None}}
CATEGORIES = {None, "config", "diagnostic"}


@pytest.fixture
def payload() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(discovery_payload(TOPICS, CAMERAS, "1.2.3"))
    return found


def test_without_cameras_the_device_is_still_described() -> None:
    assert set(json.loads(discovery_payload(TOPICS, (), "1"))["components"]) == {"temperature", "memory"}


def test_the_topic_is_a_device_of_home_assistant() -> None:
    topic = discovery_topic("homeassistant", "pi-hall")
    assert topic == "homeassistant/device/edge_retinaface_pi-hall/config"
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic)


def test_the_root_holds_what_it_must_and_nothing_home_assistant_refuses(payload: dict[str, Any]) -> None:
    assert {"device", "origin", "components"} <= set(payload) <= ROOT_KEYS
    assert set(payload["device"]) <= DEVICE_KEYS
    assert payload["device"]["identifiers"] == ["edge_retinaface_pi-hall"]
    assert "name" in payload["origin"]
    assert set(payload["origin"]) <= ORIGIN_KEYS
    assert payload["availability"] == [{"topic": TOPICS.availability}]  # online and offline are its defaults


def test_every_component_holds_known_keys_only(payload: dict[str, Any]) -> None:
    for key, component in payload["components"].items():
        platform = component["platform"]
        assert set(component) <= ENTITY_KEYS | PLATFORM_KEYS[platform], key
        assert set(component) >= {"unique_id", "name"} | REQUIRED[platform], key
        assert component.get("entity_category") in CATEGORIES
        device_class = component.get("device_class")
        if device_class:
            assert component.get("unit_of_measurement") == DEVICE_CLASSES[platform][device_class], key


def test_unique_ids_are_unique(payload: dict[str, Any]) -> None:
    ids = [component["unique_id"] for component in payload["components"].values()]
    assert len(ids) == len(set(ids)) == 2 + 7 * len(CAMERAS)


def test_a_sensor_with_a_config_category_would_be_refused_so_there_is_none(payload: dict[str, Any]) -> None:
    read_only = [one for one in payload["components"].values() if one["platform"] in ("sensor", "binary_sensor")]
    assert all(component.get("entity_category") != "config" for component in read_only)


def test_topics_are_those_that_the_publisher_uses(payload: dict[str, Any]) -> None:
    published = {TOPICS.stats}
    commanded = set()
    for camera in CAMERAS:
        published |= {TOPICS.count(camera.name)}
        published |= {TOPICS.state(camera.name, option) for option in ("enabled", "threshold", "max_fps", "status")}
        commanded |= {TOPICS.command(camera.name, option) for option in ("enabled", "threshold", "max_fps")}
    components = payload["components"].values()
    assert {component["state_topic"] for component in components} == published
    assert {component["command_topic"] for component in components if "command_topic" in component} == commanded


def test_commands_are_not_retained(payload: dict[str, Any]) -> None:
    assert not any(component.get("retain") for component in payload["components"].values())


def test_every_path_into_the_statistics_leads_to_a_number(payload: dict[str, Any]) -> None:
    cameras = {camera.name: CameraStats(status="running", fps=15.0, frames={}) for camera in CAMERAS}
    stats = Stats(
        device="pi-hall", time="", uptime_s=1.0, cameras=cameras, stages_ms={}, publishers={}, memory_mib=80.0,
        temperature_c=50.0,
    )  # fmt: skip
    value_json = msgspec.json.decode(encode(stats))
    templates = [one["value_template"] for one in payload["components"].values() if one["state_topic"] == TOPICS.stats]
    assert len(templates) == 2 + len(CAMERAS)
    for template in templates:
        path = re.fullmatch(r"\{\{ value_json\.([a-z_]+)(?:\['([^']+)'\]\.([a-z_]+))? \}\}", template)
        assert path, template
        found = value_json
        for step in filter(None, path.groups()):
            found = found[step]
        assert isinstance(found, float)


def test_a_command_topic_is_understood_and_nothing_else_is() -> None:
    assert TOPICS.parse_command(TOPICS.command("door", "threshold")) == ("door", "threshold")
    for other in (
        "",
        "x",
        TOPICS.stats,
        TOPICS.state("door", "enabled"),
        f"{TOPICS.commands}/x",
        "x/pi-hall/door/set/y",
    ):
        assert TOPICS.parse_command(other) is None
