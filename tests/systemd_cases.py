"""The installed service in a booted systemd: a folder for a camera, the real model, the real socket."""

from pathlib import Path
from typing import Any

import nspawn

CONFIG = """
device = "pi"
[model]
threads = 1
[[camera]]
name = "door"
uri = "folder:/srv/pictures"
loop = true
max_fps = 10.0
"""
FILES = {"etc/edge-retinaface/config.toml": CONFIG}


def run(machine: list[Path], script: str, config: str = CONFIG) -> dict[str, Any]:
    return nspawn.boot(machine, script, files={"etc/edge-retinaface/config.toml": config})


def has_the_astronaut(message: dict[str, Any]) -> bool:
    (face,) = message["faces"]
    return message["camera"] == "door" and face["score"] > 0.9
