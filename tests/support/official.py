"""Holds a request's body against the parameter models of Cloudflare's official Python client."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Required

from cloudflare._types import SequenceNotStr
from pydantic import TypeAdapter, ValidationError
from typing_extensions import get_type_hints, is_typeddict

_LISTS = {list, collections.abc.Iterable, collections.abc.Sequence, SequenceNotStr}


def faults(model: Any, body: Mapping[str, Any], elsewhere: frozenset[str]) -> list[str]:
    """Return what a model does not allow in a body; ``elsewhere`` are its members that the path or a header says."""
    return list(_faults(model, body, "body", elsewhere))


def _faults(hint: Any, value: Any, path: str, elsewhere: frozenset[str] = frozenset()) -> Iterator[str]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {Annotated, Required}:
        yield from _faults(arguments[0], value, path, elsewhere)
    elif origin in {typing.Union, types.UnionType}:
        yield from min((list(_faults(one, value, path, elsewhere)) for one in arguments), key=len)
    elif is_typeddict(hint):
        yield from _members(hint, value, path, elsewhere)
    elif origin in _LISTS and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _faults(arguments[0], each, f"{path}[{index}]")
    else:
        try:
            TypeAdapter(hint).validate_python(value, strict=True)
        except ValidationError as error:
            yield f"{path}: {error.errors()[0]['msg']}"


def _members(model: Any, value: Any, path: str, elsewhere: frozenset[str]) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: is no object"
        return
    hints = get_type_hints(model, include_extras=True)
    spelt = {_alias(hint) or name: hint for name, hint in hints.items() if name not in elsewhere}
    for name in value.keys() - spelt.keys():
        yield f"{path}.{name}: the official client knows no such member"
    for name, hint in spelt.items():
        if name in value:
            yield from _faults(hint, value[name], f"{path}.{name}")
        elif typing.get_origin(hint) is Required:
            yield f"{path}.{name}: is missing"


def _alias(hint: Any) -> str | None:
    """Return how a member is spelt on the wire, None if as in Python."""
    if typing.get_origin(hint) is Required:
        return _alias(typing.get_args(hint)[0])
    notes = typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()
    return next((note.alias for note in notes if getattr(note, "alias", None)), None)
