"""Translates between a resource's properties, as Pulumi spells them, and the API's JSON (pure).

The SDK's input types say which names are properties and which are a user's own words: ``exports.Counter.renamedTo``
has one of each kind. Pulumi's bridge spells a property in camelCase and some lists in an odd plural.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from bulkhead.localclouds.providers import registry
from bulkhead.resources.kind import ResourceType

Spell = Callable[[str], str]
_UPPER: Final = re.compile(r"(?<!^)([A-Z])")
_WIRE: Final = {
    "excludes": "exclude",
    "includes": "include",
    "ins": "in",
    "notIns": "not_in",
    "requires": "require",
    "serviceAuth401Redirect": "service_auth_401_redirect",
    "workersMessage": "workers/message",
    "workersTag": "workers/tag",
    "workersTriggeredBy": "workers/triggered_by",
}


class Unspellable(Exception):
    """A member of a body that the type has no property for."""


def snake(name: str) -> str:
    """Return the API's usual spelling of a property."""
    return _WIRE.get(name) or _UPPER.sub(lambda upper: f"_{upper[1].lower()}", name)


def as_it_is(name: str) -> str:
    """Return R2's spelling of a property, which is camelCase as well."""
    return name


def to_wire(type_: ResourceType, properties: Mapping[str, Any], spell: Spell = snake) -> dict[str, Any]:
    """Return properties as the API spells them; what is no input of the type is spelt as a whole."""
    known = _catalogue().properties(type_)
    return {spell(name): _out(known.get(name), value, spell) for name, value in properties.items()}


def from_wire(type_: ResourceType, body: Mapping[str, Any], spell: Spell = snake) -> dict[str, Any]:
    """Return the inputs that a body sets; null means that it does not. Raises Unspellable."""
    return _read(_catalogue().properties(type_), body, spell, "", strict=True)


def from_answer(type_: ResourceType, answer: Mapping[str, Any], spell: Spell = snake) -> dict[str, Any]:
    """Return the properties that an answer shows, computed ones too; null means that there is none. What the type has
    no property for is no part of it, such as a consumer's ``script``."""
    known = _catalogue().properties(type_)
    names = {spell(name): name for name in (*known, *_catalogue().computed(type_))}
    found = {names[member]: value for member, value in answer.items() if value is not None and member in names}
    return {name: _in(known.get(name), value, spell, name, strict=False) for name, value in found.items()}


def _out(type_: Any, value: Any, spell: Spell) -> Any:
    if isinstance(value, list):
        inner = type_.get("list") if isinstance(type_, Mapping) else None
        return [_out(inner, each, spell) for each in value]
    if not isinstance(value, Mapping):
        return value
    if isinstance(type_, Mapping) and "map" in type_:
        return {name: _out(type_["map"], each, spell) for name, each in value.items()}
    known = _members(type_)
    return {spell(name): _out(known.get(name), each, spell) for name, each in value.items()}


def _read(
    known: Mapping[str, Any], body: Mapping[str, Any], spell: Spell, path: str, *, strict: bool
) -> dict[str, Any]:
    names = {spell(name): name for name in known}
    read = {}
    for member, value in body.items():
        if value is None:
            continue
        if strict and member not in names:
            raise Unspellable(f"{path}{member}: the local Cloudflare knows no such member here")
        name = names.get(member, member)
        read[name] = _in(known.get(name), value, spell, f"{path}{member}", strict=strict)
    return read


def _in(type_: Any, value: Any, spell: Spell, path: str, *, strict: bool) -> Any:
    if not isinstance(type_, Mapping):
        return value
    if "list" in type_ and isinstance(value, list):
        return [_in(type_["list"], each, spell, f"{path}[{index}]", strict=strict) for index, each in enumerate(value)]
    if "map" in type_ and isinstance(value, Mapping):
        return {name: _in(type_["map"], each, spell, f"{path}.{name}", strict=strict) for name, each in value.items()}
    if "object" in type_ and isinstance(value, Mapping):
        return _read(_members(type_), value, spell, f"{path}.", strict=strict)
    return value


def _members(type_: Any) -> Mapping[str, Any]:
    if not isinstance(type_, Mapping) or "object" not in type_:
        return {}
    properties: Mapping[str, Any] = _catalogue().objects[type_["object"]]["properties"]
    return properties


def _catalogue() -> Any:
    return registry.catalogue("cloudflare")
