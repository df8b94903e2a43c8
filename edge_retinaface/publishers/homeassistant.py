"""Home Assistant's device discovery: one retained message that describes the device and all its entities."""

from typing import Any

import msgspec

from edge_retinaface.config import MAX_FPS, CameraSettings
from edge_retinaface.publishers.protocol import OFF, ON
from edge_retinaface.publishers.topics import Topics

ONLINE, OFFLINE = "online", "offline"
STATUS_TOPIC = "homeassistant/status"  # where Home Assistant says `online`, whatever its discovery prefix is
PROJECT = "edge-retinaface"

Component = dict[str, Any]


def discovery_topic(discovery: str, device: str) -> str:
    """Where the description goes."""
    return f"{discovery}/device/{_id(device)}/config"


def discovery_payload(topics: Topics, cameras: tuple[CameraSettings, ...], version: str) -> bytes:
    """The description as JSON: per camera presence, count, switch, numbers and state; of the device its health."""
    components = _device_components(topics)
    for camera in cameras:
        components |= _camera_components(topics, camera.name)
    for key, component in components.items():
        component["unique_id"] = f"{_id(topics.device)}_{key}"
    return msgspec.json.encode(
        {
            "device": {
                "identifiers": [_id(topics.device)],
                "name": topics.device,
                "manufacturer": PROJECT,
                "model": "RetinaFace camera",
                "sw_version": version,
            },
            "origin": {"name": PROJECT, "sw_version": version},
            "availability": [{"topic": topics.availability}],
            "components": components,
        }
    )


def _id(device: str) -> str:
    return f"edge_retinaface_{device}"


def _camera_components(topics: Topics, camera: str) -> dict[str, Component]:
    """Keys are <camera>_<thing>; things hold no _, so that no two cameras can share a key."""
    count = topics.count(camera)
    return {
        f"{camera}_present": {
            "platform": "binary_sensor",
            "name": f"{camera} face",
            "device_class": "occupancy",
            "state_topic": count,
            "value_template": f"{{{{ '{ON}' if value | int(0) > 0 else '{OFF}' }}}}",
        },
        f"{camera}_count": {
            "platform": "sensor",
            "name": f"{camera} faces",
            "state_topic": count,
            "state_class": "measurement",
            "icon": "mdi:face-recognition",
        },
        f"{camera}_enabled": {
            "platform": "switch",
            "name": f"{camera} detection",
            "command_topic": topics.command(camera, "enabled"),
            "state_topic": topics.state(camera, "enabled"),
            "entity_category": "config",
        },
        f"{camera}_threshold": _number(topics, camera, "threshold", maximum=1.0, step=0.01),
        f"{camera}_rate": {
            **_number(topics, camera, "max_fps", maximum=MAX_FPS, step=0.1),
            "unit_of_measurement": "fps",
        },
        f"{camera}_status": {
            "platform": "sensor",
            "name": f"{camera} status",
            "state_topic": topics.state(camera, "status"),
            "value_template": "{{ value[:255] }}",  # longer ones are refused
            "entity_category": "diagnostic",
        },
        f"{camera}_fps": {
            **_diagnostic(topics, f"cameras['{camera}'].fps", f"{camera} rate"),
            "unit_of_measurement": "fps",
        },
    }


def _device_components(topics: Topics) -> dict[str, Component]:
    return {
        "temperature": {
            **_diagnostic(topics, "temperature_c", "temperature"),
            "device_class": "temperature",
            "unit_of_measurement": "°C",
        },
        "memory": {
            **_diagnostic(topics, "memory_mib", "memory"),
            "device_class": "data_size",
            "unit_of_measurement": "MiB",
        },
    }


def _number(topics: Topics, camera: str, option: str, *, maximum: float, step: float) -> Component:
    return {
        "platform": "number",
        "name": f"{camera} {option.replace('_', ' ')}",
        "command_topic": topics.command(camera, option),
        "state_topic": topics.state(camera, option),
        "min": 0 if option == "threshold" else step,
        "max": maximum,
        "step": step,
        "mode": "box",
        "entity_category": "config",
    }


def _diagnostic(topics: Topics, path: str, name: str) -> Component:
    """A sensor of one number in the statistics."""
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topics.stats,
        "value_template": f"{{{{ value_json.{path} }}}}",
        "state_class": "measurement",
        "entity_category": "diagnostic",
    }
