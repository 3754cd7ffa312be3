"""Every text in a resource's inputs, with where it stands (pure): also what is inside JSON, base64 and URLs, and the
keys of mappings, because a token names what it reaches by a key."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from bulkhead.resources.planned import Sealed
from bulkhead.resources.values import UNKNOWN, is_list

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")  # shorter ones decode to nothing that names anything
_STEP: Final = re.compile(r"([^.\[\]]+)|(\[\])")


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or a number as text, and its place: ``bindings[DB].databaseId``, ``policy (JSON).Statement[0].Effect``.
    An item of a list is called by its name, or its Sid, where it has one. A ``sealed`` text is never printed."""

    path: str
    text: str
    sealed: bool = False


def texts(value: Any, path: str = "", *, sealed: bool = False) -> Iterator[Text]:
    """Yield every text in ``value``."""
    if isinstance(value, Sealed):
        yield from texts(value.content, path, sealed=True)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield Text(_joined(path, str(key)), str(key), sealed)
            yield from texts(item, _joined(path, str(key)), sealed=sealed)
    elif is_list(value):
        for label, item in labelled(value):
            yield from texts(item, f"{path}[{label}]", sealed=sealed)
    elif isinstance(value, str):
        yield from _in_text(value, path, sealed)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield Text(path, f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value), sealed)


def labelled(items: Any) -> Iterator[tuple[str, Any]]:
    """Yield the items of a list with what each is called in a path."""
    for place, item in enumerate(items):
        names = (item.get("name"), item.get("Sid")) if isinstance(item, Mapping) else ()
        yield next((name for name in names if isinstance(name, str) and name), str(place)), item


def at_path(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield what is at ``path``, where ``[]`` stands for every item of a list, with the place in the form of ``Text``;
    nothing where there is nothing."""
    found: list[tuple[str, Any]] = [("", value)]
    for match in _STEP.finditer(path):
        key = match[1]
        found = [step for place, item in found for step in _stepped(place, _opened(item), key)]
    return ((place, item) for place, item in found if item is not None)


def parsed(text: str) -> Any:
    """Return the JSON object or list that a text is, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def _stepped(place: str, item: Any, key: str | None) -> Iterator[tuple[str, Any]]:
    if item is UNKNOWN:
        yield place, UNKNOWN
    elif key is None:
        if is_list(item):
            yield from ((f"{place}[{label}]", each) for label, each in labelled(item))
    elif isinstance(item, Mapping) and key in item:
        yield _joined(place, key), item[key]


def _opened(item: Any) -> Any:
    if isinstance(item, Sealed):
        return _opened(item.content)
    document = parsed(item) if isinstance(item, str) else None
    return item if document is None else document


def _in_text(text: str, path: str, sealed: bool) -> Iterator[Text]:
    document = parsed(text)
    if document is not None:
        yield from texts(document, f"{path} (JSON)", sealed=sealed)
        return
    yield Text(path, text, sealed)
    if "%" in text and (plain := unquote(text)) != text:
        yield from _in_text(plain, f"{path} (URL)", sealed)
    for encoded in _BASE64.findall(text):
        if (decoded := _decoded(encoded)) is not None:
            yield from texts(decoded, f"{path} (base64)", sealed=sealed)


def _decoded(text: str) -> str | None:
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        decoded = base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded if all(char.isprintable() or char.isspace() for char in decoded) else None


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
