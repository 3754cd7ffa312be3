"""The JSON Schema of a stage file (pure), so that an editor completes and checks while somebody types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bulkhead.model.naming import Stage
from bulkhead.model.settings.defaults import DEFAULTS
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import ROTATED, SECRETS, SETTINGS
from bulkhead.model.settings.reader import TOP_LEVEL

_TEXT = {"type": "string"}


def file_schema() -> dict[str, Any]:
    """Return the schema of ``Pulumi.<stack>.yaml``. Rules that join settings are in `settings check` only."""
    model = StageSettings.model_json_schema(by_alias=True)
    sections = model.pop("$defs")
    fields = {name: field for name, field in model["properties"].items() if name != "environment"}
    _make_optional(model, {stage: DEFAULTS[stage] for stage in Stage}, sections)
    secret = {
        "type": "object",
        "description": "written by: bulkhead secrets set",
        "properties": {"secure": _TEXT},
        "required": ["secure"],
        "additionalProperties": False,
    }
    config = {
        "type": "object",
        "description": "settings of the stage; what is left out has a default",
        "properties": {f"{SETTINGS}:{name}": field for name, field in fields.items()},
        "patternProperties": {
            f"^{SECRETS}:[a-z][a-zA-Z0-9]{{0,63}}$": secret,
            f"^{ROTATED}:": {"type": "string", "format": "date"},
            "^pulumi:": {},
        },
        "required": [f"{SETTINGS}:{name}" for name in model["required"] if name in fields],
        "additionalProperties": False,
    }
    written = {name: dict(_TEXT) for name in TOP_LEVEL if name != "config"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of one stage (Pulumi.<stack>.yaml)",
        "type": "object",
        "properties": {"config": config, **written},
        "required": ["config"],
        "additionalProperties": False,
        "$defs": sections,
    }


def render() -> str:
    """Return the text of docs/settings.schema.json."""
    return json.dumps(file_schema(), indent=2) + "\n"


def _make_optional(schema: dict[str, Any], defaults: Mapping[Stage, Any], sections: dict[str, Any]) -> None:
    """Remove each field that has a default in every stage from the required ones, and write its default down."""
    kept = []
    schema.pop("title", None)
    for name in schema.get("required", ()):
        field = schema["properties"][name]
        field.pop("title", None)
        values = {stage: found[name] for stage, found in defaults.items() if name in found}
        if len(values) < len(defaults):
            kept.append(name)
        elif "$ref" in field and all(isinstance(value, Mapping) for value in values.values()):
            below = sections[field["$ref"].rpartition("/")[2]]
            _make_optional(below, values, sections)
            if below.get("required"):
                kept.append(name)
        else:
            _add_default(field, values)
    schema["required"] = kept


def _add_default(field: dict[str, Any], values: Mapping[Stage, Any]) -> None:
    distinct = {json.dumps(value) for value in values.values()}
    if len(distinct) == 1:
        field["default"] = next(iter(values.values()))
        return
    per_stage = ", ".join(f"{json.dumps(value)} in {stage}" for stage, value in values.items())
    field["description"] = f"{field.get('description', '')}; default: {per_stage}".removeprefix("; ")
