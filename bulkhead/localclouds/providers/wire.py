"""Pulumi's wire form <-> Python values, and which of them are secret.

Pulumi sends properties as a protobuf Struct in which special values are objects with a signature (Pulumi SDK,
`sdk/go/common/resource/sig`). Here a message becomes plain Python, unknowns become ``UNKNOWN``, and the paths of the
secret values travel beside it: rules read plain values, and answers mark the same places secret again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value

from bulkhead.resources.sentinels import ASSETS, OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN_STRING, UNKNOWNS

Steps = tuple[str | int, ...]


class Unknown:
    """A value that is not known before the update runs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Message:
    """Properties as plain Python, and the paths below which everything is secret."""

    values: dict[str, Any]
    secrets: frozenset[Steps] = frozenset()


def decode(struct: Struct) -> Message:
    """Return the message: numbers that are whole as ``int``, null members left out, envelopes opened."""
    secrets: set[Steps] = set()
    return Message(_object(struct, (), secrets), frozenset(secrets))


def encode(values: Mapping[str, Any], secrets: Iterable[Steps] = ()) -> Struct:
    """Return the Struct of ``values``; what is below a path of ``secrets`` is sent as a secret."""
    struct = Struct()
    struct.update(_wire(values, (), frozenset(secrets)))
    return struct


def contains_unknown(value: Any) -> bool:
    """Whether any part of ``value`` is unknown."""
    if isinstance(value, Mapping):
        return any(contains_unknown(member) for member in value.values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    return value is UNKNOWN


def _object(struct: Struct, path: Steps, secrets: set[Steps]) -> dict[str, Any]:
    members = {key: _value(value, (*path, key), secrets) for key, value in struct.fields.items()}
    return {key: value for key, value in members.items() if value is not None}


def _value(value: Value, path: Steps, secrets: set[Steps]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        return _envelope(fields, path, secrets) if SIGNATURE in fields else _object(value.struct_value, path, secrets)
    if kind == "list_value":
        return [_value(item, (*path, index), secrets) for index, item in enumerate(value.list_value.values)]
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def _envelope(fields: Mapping[str, Value], path: Steps, secrets: set[Steps]) -> Any:
    signature = fields[SIGNATURE].string_value
    if signature == SECRET or (signature == OUTPUT and "secret" in fields and fields["secret"].bool_value):
        secrets.add(path)
    if signature in {SECRET, OUTPUT}:
        return _value(fields["value"], path, secrets) if "value" in fields else UNKNOWN
    if signature == RESOURCE:
        return _value(fields["id"], path, secrets) if "id" in fields else fields["urn"].string_value
    if signature in ASSETS:
        return {key: _value(member, (*path, key), secrets) for key, member in fields.items()}
    raise ValueError(f"{'.'.join(map(str, path))}: a value of an unknown wire signature {signature}")


def _wire(value: Any, path: Steps, secrets: frozenset[Steps]) -> Any:
    if isinstance(value, Mapping):
        plain: Any = {key: _wire(member, (*path, key), secrets) for key, member in value.items()}
    elif isinstance(value, list | tuple):
        plain = [_wire(item, (*path, index), secrets) for index, item in enumerate(value)]
    else:
        plain = UNKNOWN_STRING if value is UNKNOWN else value
    return {SIGNATURE: SECRET, "value": plain} if path in secrets else plain
