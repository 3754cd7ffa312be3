"""HTML that is escaped by construction (pure): what is not markup already is text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Final

# Terminal colours come with the engine's messages; other control characters and half surrogates have no form in HTML.
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Html(str):
    """Text that is HTML already. Whatever else reaches ``tag`` or ``join`` is escaped, so nothing can be forgotten."""

    __slots__ = ()


def text(value: str) -> Html:
    """Return ``value`` as the text of an element or an attribute."""
    return Html(html.escape(_UNPRINTABLE.sub("\ufffd", _COLOUR.sub("", value))))


def join(parts: Iterable[str]) -> Html:
    """Return the parts after each other."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts))


def tag(name: str, *children: str, **attributes: str) -> Html:
    """Return an element. ``class_`` stands for ``class``; an underscore in an attribute's name for a hyphen."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{given}>{join(children)}</{name}>")
