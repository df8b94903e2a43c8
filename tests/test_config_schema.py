"""The configuration described: as shown, as a JSON Schema, in the guide."""

import json
import re
import tomllib

import jsonschema
from config_cases import EVERYDAY, ROOT, SHORTEST, WRONG, Load

from edge_retinaface.config import (
    config_schema,
    show_config,
)


def test_what_is_shown_is_the_same_configuration_again(load: Load) -> None:
    config = load(EVERYDAY.replace("pi-hall.", "").replace("current", 'a \\"b\\" \\\\ ü\\u00a0'))
    assert load(show_config(config)) == config


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


def test_the_guide_names_every_key_and_its_examples_load(load: Load) -> None:
    guide = (ROOT / "docs" / "guide" / "configuration.md").read_text()
    for struct in config_schema()["$defs"].values():
        for name in struct["properties"]:
            assert f"`{name}`" in guide or f"[{name}]" in guide, name
    examples = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    assert examples
    for example in examples:
        load(example)
