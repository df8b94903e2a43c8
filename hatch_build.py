"""Puts the default model into the wheel when the builder names one: EDGE_RETINAFACE_MODEL=path."""

import os
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ModelHook(BuildHookInterface[Any]):
    """Adds one file to the wheel, or nothing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Called before the wheel's files are collected."""
        model = os.environ.get("EDGE_RETINAFACE_MODEL")
        if model:
            build_data["force_include"][model] = "edge_retinaface/_assets/default.tflite"
