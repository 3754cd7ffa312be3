"""Text of others with a sign in the place of every character that nobody would see (pure)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Drawn as nothing, although Unicode calls them letters or marks (DerivedCoreProperties, Default_Ignorable_Code_Point).
_DRAWN_AS_NOTHING: Final = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0e\uffa0\U000e0100-\U000e01ef"
_NOTHING: Final = re.compile(f"[{_DRAWN_AS_NOTHING}]")


def visible(text: str) -> str:
    """Return ``text`` with an escape (``\\u202e``) for each character that moves the cursor, turns the reading
    direction, or is drawn as nothing and so tells two names apart that look alike. Lines, tabs and spaces stay."""
    if text.isprintable() and not _NOTHING.search(text):
        return text
    return "".join(char if _is_seen(char) else char.encode("unicode_escape").decode() for char in text)


def _is_seen(char: str) -> bool:
    if char.isprintable():
        return not _NOTHING.match(char)
    return char in "\n\t" or unicodedata.category(char) == "Zs"
