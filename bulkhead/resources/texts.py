"""Every text in a value, with where it stands (pure): also what is inside JSON, base64, hexadecimal and URLs, and the
keys of mappings, because a token names what it reaches by a key."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from bulkhead.resources.planned import Sealed
from bulkhead.resources.values import UNKNOWN, is_list

# Shorter ones decode to nothing that names anything.
_SHORTEST: Final = 16
_BASE64: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{_SHORTEST},}}={{0,2}}")
_LINES_OF_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{60,}\r?\n)+[A-Za-z0-9+/_-]+={0,2}\s*")
_HEX: Final = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){8,}(?![0-9A-Fa-f])")
_BEGIN_OF_JSON: Final = re.compile(r"[{\[]\s*[\"{\[]")
_DECODER: Final = json.JSONDecoder()
# Nobody writes deeper by hand, and Python could not walk through it.
_DEEPEST: Final = 100
_MOST_DOCUMENTS: Final = 100
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
    if not text.lstrip().startswith(("{", "[")) or _is_deep(text):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def opened(text: str) -> Iterator[tuple[str, Any]]:
    """Yield what a text holds in another form, and the form's name: JSON that it is or that stands in it, what it means
    in a URL, what base64 and hexadecimal in it decode to. Each is opened one layer deep."""
    document = parsed(text)
    if document is not None:
        yield "JSON", document
        return
    yield from (("JSON", each) for each in _documents_in(text))
    if "%" in text and (plain := _unquoted(text)) != text:
        yield "URL", plain
    if _LINES_OF_BASE64.fullmatch(text):
        text = "".join(text.split())
    for encoded in _BASE64.findall(text):
        # A path of a URL has the sign in it that stands between two words as well.
        parts = (encoded, *(part for part in encoded.split("/") if len(part) >= _SHORTEST and part != encoded))
        decoded = next((found for part in parts if (found := from_base64(part)) is not None), None)
        if decoded is not None:
            yield "base64", decoded
    for encoded in _HEX.findall(text):
        if (decoded := _readable(bytes.fromhex(encoded))) is not None:
            yield "hexadecimal", decoded


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
    whole = parsed(text) is not None
    if not whole:
        yield Text(path, text, sealed)
    for form, value in opened(text):
        # What stands in the text for everybody to read was yielded with it.
        yield from (each for each in texts(value, f"{path} ({form})", sealed=sealed) if whole or each.text not in text)


def _documents_in(text: str) -> Iterator[Any]:
    """Yield the JSON objects, lists and texts that stand in a longer text, or are all of it."""
    if _is_deep(text):
        return
    begins = itertools.chain(
        [0] if text.startswith('"') else [], (each.start() for each in _BEGIN_OF_JSON.finditer(text))
    )
    end = 0
    for begin in itertools.islice(begins, _MOST_DOCUMENTS):
        if begin >= end:
            try:
                value, end = _DECODER.raw_decode(text, begin)
            except ValueError:
                continue
            yield value


def _is_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= _DEEPEST:
        return False
    depths = itertools.accumulate((1 if sign in "{[" else -1) for sign in re.findall(r"[{}\[\]]", text))
    return max(depths, default=0) > _DEEPEST


def _unquoted(text: str) -> str:
    for _ in range(_DEEPEST):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return text


def from_base64(text: str) -> str | None:
    """Return the readable text that base64 stands for, in either alphabet, else None."""
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return _readable(base64.b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True))
    except binascii.Error:
        return None


def _readable(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char.isspace() for char in text) else None


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
