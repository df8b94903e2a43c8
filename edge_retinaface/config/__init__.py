"""The configuration: strict TOML, environment over file, secrets kept apart."""

from edge_retinaface.config.load import load_config
from edge_retinaface.config.password import read_password
from edge_retinaface.config.schema import config_schema
from edge_retinaface.config.secret import Secret, hide_passwords
from edge_retinaface.config.settings import (
    CAMERA_SCHEMES,
    GRID,
    MAX_FPS,
    CameraSettings,
    Config,
    ModelSettings,
    MqttSettings,
    SocketSettings,
    StdoutSettings,
)
from edge_retinaface.config.show import show_config

__all__ = [
    "CAMERA_SCHEMES",
    "GRID",
    "MAX_FPS",
    "CameraSettings",
    "Config",
    "ModelSettings",
    "MqttSettings",
    "Secret",
    "SocketSettings",
    "StdoutSettings",
    "config_schema",
    "hide_passwords",
    "load_config",
    "read_password",
    "show_config",
]
