"""What Slack refuses of a message, by "Reference: Block Kit" and "Formatting text for app surfaces"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_LIMITS: Final = {"header": 150, "section": 3000, "field": 2000}
_MOST_BLOCKS: Final = 50
_MOST_FIELDS: Final = 10


def faults(message: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a message, nothing where Slack takes it."""
    return list(_faults(message))


def _faults(message: Mapping[str, Any]) -> Iterator[str]:
    if not message.get("text"):
        yield "no text for notices"
    blocks = message["blocks"]
    if not 0 < len(blocks) <= _MOST_BLOCKS:
        yield f"{len(blocks)} blocks"
    for block in blocks:
        match block["type"]:
            case "header":
                yield from _text(block["text"], "plain_text", "header")
            case "section":
                fields = block.get("fields", [])
                if ("text" in block) == bool(fields) or len(fields) > _MOST_FIELDS:
                    yield f"a section with {len(fields)} fields"
                for field in fields:
                    yield from _text(field, "mrkdwn", "field")
                if "text" in block:
                    yield from _text(block["text"], "mrkdwn", "section")
            case other:
                yield f"an unknown block {other}"


def _text(text: Mapping[str, str], kind: str, place: str) -> Iterator[str]:
    if text["type"] != kind:
        yield f"{text['type']} in a {place}"
    if not 0 < len(text["text"]) <= _LIMITS[place]:
        yield f"{len(text['text'])} characters in a {place}"
