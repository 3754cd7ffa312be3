"""SQL as D1 reads it: the statements in a text, and the words in a statement (pure)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Final

LONGEST: Final = 100_000  # bytes of a statement; source: D1, "Limits"
_NOTHING: Final = re.compile(r"(?:\s|;|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z))*+")
_COMMENT: Final = r"--[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)"
_QUOTED: Final = r"'(?:[^']|'')*+'|\"(?:[^\"]|\"\")*+\"|`(?:[^`]|``)*+`|\[[^\]]*+\]"
_PIECE: Final = re.compile(f"{_COMMENT}|{_QUOTED}|;")
_WORD: Final = re.compile(rf"\s++|{_COMMENT}|({_QUOTED}|[\w$]++|.)", re.DOTALL)
_NAME: Final = {'"': '"', "`": "`", "[": "]"}

_SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


def statements(text: str) -> list[str]:
    """Return the statements; a semicolon in a literal, a comment or a trigger's body ends none.

    Comments between statements are left out: workerd refuses a statement that is only a comment. What is no statement
    or too long for one is left to workerd to refuse, in its own words.
    """
    found, start = [], 0
    for each in _PIECE.finditer(text):
        if each[0] != ";":
            continue
        piece = text[start : each.end()]
        if len(piece) > LONGEST or sqlite3.complete_statement(piece.replace("\0", " ")):
            found.append(piece)
            start = each.end()
    return [each.strip() for each in (*found, text[start:]) if not _NOTHING.fullmatch(each)]


def divided(statement: str, most: int = LONGEST) -> list[str]:
    """Return an INSERT of many rows as several, none of more than ``most`` bytes; the statement itself where that would
    not come to the same: where it holds a query, or something after the rows, or a row is too long by itself."""
    start, rows = _rows(statement)
    head, room = statement[:start], most - len(statement[:start].encode()) - len(";")
    found, size = list[list[str]](), 0
    for row in rows:
        needed = len(row.encode()) + len(",")
        if needed > room:
            return [statement]
        if not found or size + needed > room:
            found.append([])
            size = 0
        found[-1].append(row)
        size += needed
    return [f"{head}{','.join(each)};" for each in found] or [statement]


def _rows(statement: str) -> tuple[int, list[str]]:
    """Return where the rows of an INSERT begin, and each of them; none where there is anything else."""
    depth, start, begins, rows, verb = 0, 0, 0, list[str](), ""
    for each in _WORD.finditer(statement):
        word = _plain(each[1] or "")
        if not word:
            continue
        verb = verb or word
        if verb not in {"insert", "replace"} or word == "select":
            return 0, []
        if word == "(":
            begins = begins if depth else each.start()
            depth += 1
        elif word == ")":
            depth -= 1
            if start and not depth:
                rows.append(statement[begins : each.end()])
        elif not start and not depth and word == "values":
            start = each.end()
        elif start and not depth and word not in {",", ";"}:
            return 0, []
    return start, rows


def words(statement: str) -> list[str]:
    """Return the words of a statement without its comments; names without their quotes, literals with theirs. SQLite
    does not tell capitals from small letters in words and names, so all are small."""
    found = (each[1] for each in _WORD.finditer(statement))
    return [_plain(word) for word in found if word]


def folded(name: str) -> str:
    """Return a name as SQLite compares it: it tells capitals from small letters beyond ASCII."""
    return name.translate(_SMALL)


def named(parts: Sequence[str]) -> str:
    """Return the last part of a name such as main.members at the beginning of ``parts``."""
    return parts[2] if parts[1:2] == ["."] and parts[2:] else next(iter(parts), "")


def quoted(name: str) -> str:
    """Return a name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _plain(word: str) -> str:
    if word[:1] in {"'", ""}:
        return word
    end = _NAME.get(word[0])
    return folded(word[1:-1].replace(end * 2, end) if end else word)
