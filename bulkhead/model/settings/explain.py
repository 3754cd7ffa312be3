"""Validation errors as faults a person can mend (pure). No message holds the value that was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage, stage_of
from bulkhead.model.settings import fields
from bulkhead.model.settings.paths import Path, fault_at, remove_command, set_command, spell, stack_file
from bulkhead.model.settings.shapes import RULE_BROKEN

_KEY: Final = "[key]"  # how pydantic says that the name of an entry is at fault, not its value
_WANTED: Final[Mapping[str, str]] = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_type": "a whole number without quotes",
    "int_from_float": "a whole number without quotes",
    "float_type": "a number without quotes",
    "bool_type": "true or false, without quotes",
    "bool_parsing": "true or false, without quotes",
    "tuple_type": "a list, one `- item` a line",
    "mapping_type": "a section, `name: value` lines",
    "dict_type": "a section, `name: value` lines",
    "model_type": "a section, `name: value` lines",
    "model_attributes_type": "a section, `name: value` lines",
}


def explain(path: Path, error: Mapping[str, Any], stack: str) -> Fault:
    """Return the fault for one pydantic ``error`` at ``path``."""
    kind, found, stage = error["type"], error.get("input"), stage_of(stack)
    if path[-1] == _KEY:
        path = path[:-1]
        return fault_at(path, error["msg"], f"rename it in {stack_file(stack)}", stack)
    if kind == "extra_forbidden":
        return unknown(path, stack)
    if kind == "missing":
        choices = fields.spelt_choices(path)
        message = f"is missing{f'; it is one of {choices}' if choices else ''}, and there is no default it could have"
    elif kind == RULE_BROKEN:
        message = error["msg"] + _suggestion(path, found)
    elif kind in {"literal_error", "enum"}:
        message = f"must be {fields.spelt_choices(path)}" + _suggestion(path, found)
    elif found is None:
        message = f"is empty and must be {_WANTED.get(kind, 'set')}; remove the line to get the default"
    elif kind == "string_type" and isinstance(found, bool | int | float):
        message = "must be text, and without quotes YAML reads it as a number or as true or false: quote it"
    else:
        message = f"must be {_WANTED[kind]}, not {_kind_of(found)}" if kind in _WANTED else error["msg"]
    return fault_at(path, message, _fix(path, stage, stack), stack)


def unknown(path: Path, stack: str) -> Fault:
    """Return the fault of a setting that does not exist, with the one that was probably meant."""
    meant = fields.intended(path)
    if meant is not None:
        fix = (
            f"rename it to {spell(meant)}"
            if len(meant) == len(path) and meant[:-1] == path[:-1]
            else f"move it to {spell(meant)}"
        )
        return fault_at(path, f"is no setting and would have no effect; did you mean {spell(meant)}?", fix, stack)
    known = ", ".join(sorted(fields.neighbours(path)))
    message = "is no setting and would have no effect" + (f"; known here: {known}" if known else "")
    return fault_at(path, message, remove_command(path, stack), stack)


def _fix(path: Path, stage: Stage | None, stack: str) -> str:
    example = fields.example_at(path, stage)
    if example is None or isinstance(example, Mapping):
        return f"write it as in docs/settings.schema.json, in {stack_file(stack)}"
    return set_command(path, example, stack)


def _suggestion(path: Path, found: object) -> str:
    near = fields.closest(found, fields.choices_at(path)) if isinstance(found, str) else None
    return f"; did you mean {near}?" if near else ""


def _kind_of(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a section"
