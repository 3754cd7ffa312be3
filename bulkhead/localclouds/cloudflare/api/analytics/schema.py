"""The schema with what its scalars take: values as the rows hold them, so that a query compares like with like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from graphql import (
    ConstValueNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    value_from_ast_untyped,
)

from bulkhead.model.instants import instant

FILE: Final = Path(__file__).with_name("schema.graphql")


@cache
def schema(resolvers: Callable[[GraphQLSchema], None]) -> GraphQLSchema:
    """Return the schema, read once. ``resolvers`` says how its nodes are answered."""
    built = build_schema(FILE.read_text())
    for name, takes in _TAKES.items():
        if isinstance(scalar := built.type_map.get(name), GraphQLScalarType):
            scalar.coerce_input_value = takes
            scalar.coerce_input_literal = partial(_literal, takes)
    resolvers(built)
    return built


def field_of(built: GraphQLSchema, type_: str, name: str) -> Any:
    """Return a field of a type."""
    found = built.type_map[type_]
    assert isinstance(found, GraphQLObjectType)  # noqa: S101 - a node of the schema that is beside this module
    return found.fields[name]


def _literal(takes: Callable[[Any], Any], node: ConstValueNode) -> Any:
    return takes(value_from_ast_untyped(node))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError(f"{value!r} is no string")
    return value


def _time(value: Any) -> str:
    """Take RFC 3339 with its offset: a time without one is somebody's local time."""
    try:
        time = datetime.fromisoformat(_text(value))
    except ValueError:
        time = datetime.min
    if time.tzinfo is None:
        raise GraphQLError(f"{value!r} is no time such as 2026-01-31T12:00:00Z")
    return instant(time)


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(_text(value)).isoformat()
    except ValueError:
        raise GraphQLError(f"{value!r} is no date such as 2026-01-31") from None


def _natural(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise GraphQLError(f"{value!r} is no whole number from 0 up")
    return value


_TAKES: Final[dict[str, Callable[[Any], Any]]] = {
    "string": _text,
    "Time": _time,
    "Date": _date,
    **dict.fromkeys(("uint8", "uint16", "uint32", "uint64"), _natural),
}
