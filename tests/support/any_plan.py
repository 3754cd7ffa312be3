"""Plans that nobody would write: every input of every type with whatever a value can be, deep inside as well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bulkhead.localclouds.providers import schema
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from tests.support.policy_scene import make_resource

_STATEMENT: Final = {
    "Effect": [],
    "Principal": 7,
    "Action": {"a": 1},
    "Resource": None,
    "Condition": {"StringEquals": []},
}
_CONDITION: Final = {
    "Effect": "Allow",
    "Principal": {"AWS": [None, {}]},
    "Condition": {"StringEquals": {"x": [None, {}]}},
}
ANYTHING: Final[tuple[Any, ...]] = (
    UNKNOWN,
    None,
    True,
    0,
    -1.5,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "x",
    "*",
    "\ud800",
    "arn:",
    "arn:aws:s3:::",
    "://[::1",
    "https://[",
    "{",
    "[1, null, {}]",
    '"text"',
    "1" * 5000,
    "[" * 100_000,
    json.dumps({"Statement": [None, 1, "x", [], _STATEMENT, _CONDITION], "Version": []}),
    json.dumps({"tags": 7, "stage": {}, "a": [{"key": 10**30}]}),
    [],
    [None],
    [UNKNOWN, "x", 7, {}, []],
    [[[]]],
    {},
    {"": UNKNOWN, "x": None, "name": [], "type": {}, "enabled": []},
    [{"": {"": []}, "name": UNKNOWN, "type": [], "key": {}, "value": {}}],
)
_DEEPEST: Final = 4
_WORDS: Final[Mapping[str, Any]] = {
    "string": "x",
    "number": 1.0,
    "integer": 1,
    "boolean": True,
    "any": "x",
    "asset": {},
}


def of_schemas() -> Iterator[ObservedResource]:
    """Yield resources of every type of the catalogue, each with one value that may be anything and usual ones beside
    it."""
    for package in schema.PACKAGES:
        tokens = [row.token for row in CATALOGUE.values() if row.token.startswith(f"{package}:")]
        known = schema.load(package, tokens)
        for token in tokens:
            usual = {name: _usual(known, type_) for name, type_ in known.properties(token).items()}
            yield make_resource(token, "it", **usual)
            yield make_resource(token)
            for name, type_ in known.properties(token).items():
                for value in _any(known, type_):
                    yield make_resource(token, "it", **{**usual, name: value})


def of_resource(resource: ObservedResource) -> Iterator[ObservedResource]:
    """Yield a resource with each of its values, at any depth, turned into anything."""
    yield from (replace(resource, props=props) for props in _turned(resource.props) if isinstance(props, Mapping))


def _turned(value: Any) -> Iterator[Any]:
    yield from ANYTHING
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from ({**value, key: other} for other in _turned(item))
    elif isinstance(value, list):
        for place, item in enumerate(value[:3]):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in _turned(item))
    elif isinstance(value, str) and value.startswith(("{", "[")):
        yield from (json.dumps(other, default=str) for other in _turned(json.loads(value)))


def _any(known: schema.Catalogue, type_: Any, depth: int = 0) -> Iterator[Any]:
    yield from ANYTHING
    if isinstance(type_, str) or depth == _DEEPEST:
        return
    ((kind, inner),) = type_.items()
    if kind == "any of":
        for option in inner:
            yield from _any(known, option, depth + 1)
    elif kind == "list":
        yield from ([value] for value in _any(known, inner, depth + 1))
    elif kind == "map":
        yield from ({"x": value} for value in _any(known, inner, depth + 1))
    else:
        properties = known.objects[inner]["properties"]
        usual = {name: _usual(known, each, depth + 1) for name, each in properties.items()}
        for name, each in properties.items():
            yield from ({**usual, name: value} for value in _any(known, each, depth + 1))


def _usual(known: schema.Catalogue, type_: Any, depth: int = 0) -> Any:
    if isinstance(type_, str):
        return _WORDS[type_]
    if depth > _DEEPEST:
        return None
    ((kind, inner),) = type_.items()
    if kind == "any of":
        return _usual(known, inner[0], depth)
    if kind == "list":
        return [_usual(known, inner, depth + 1)]
    if kind == "map":
        return {"x": _usual(known, inner, depth + 1)}
    properties = known.objects[inner]["properties"]
    return {name: _usual(known, each, depth + 1) for name, each in properties.items()}
