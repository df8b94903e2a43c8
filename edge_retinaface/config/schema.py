"""The JSON Schema of the configuration, for editors and other programs."""

from typing import Any

import msgspec

from edge_retinaface.config.secret import Secret
from edge_retinaface.config.settings import Config


def config_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the configuration file."""
    schema = msgspec.json.schema(Config, schema_hook=_schema_of)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "edge-retinaface", **schema}


def _schema_of(kind: type) -> dict[str, Any]:
    if kind is not Secret:
        raise NotImplementedError(kind)
    return {"type": "string", "writeOnly": True}
