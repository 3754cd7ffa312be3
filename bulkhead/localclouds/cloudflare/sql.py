"""The statements in a text of SQL (pure)."""

from __future__ import annotations

import re
import sqlite3
from typing import Final

_LONGEST: Final = 100_000  # of a statement; source: D1, "Limits"
_NOTHING: Final = re.compile(r"(?:\s|;|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z))*+")


def statements(text: str) -> list[str]:
    """Return the statements; a semicolon in a literal, a comment or a trigger's body ends none.

    Comments between statements are left out: workerd refuses a statement that is only a comment. What is no statement
    or too long for one is left to workerd to refuse, in its own words.
    """
    found, start, end = [], 0, 0
    while (end := text.find(";", end) + 1) > 0:
        piece = text[start:end]
        if len(piece) > _LONGEST or sqlite3.complete_statement(piece.replace("\0", " ")):
            found.append(piece)
            start = end
    return [each.strip() for each in (*found, text[start:]) if not _NOTHING.fullmatch(each)]
