"""Text of others as GitHub shows it and does nothing with it (pure): nobody is told, nothing is linked, nothing hides.

GitHub looks for mentions, references, commits and addresses after Markdown was rendered, so that neither a backslash
nor an entity (``&#64;``) keeps it from finding one. It does not look into code (html-pipeline's MentionFilter and
GitHub Flavored Markdown's autolinks leave `pre`, `code` and `a` alone). So every word that is more than a word becomes
code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from bulkhead.model.visible import visible

_LONGEST: Final = 2_000  # characters of one text
_BEFORE: Final = "(\"'"
_AFTER: Final = ")\"'.,;:!?"
# Letters, also with an apostrophe or hyphens, and numbers: `don't`, `create-first`, `2026-12-01`, `80%`.
_WORD: Final = re.compile(r"[^\W_]+(?:['-][^\W\d_]+)*|\d+(?:[-.,:]\d+)*%?|%?")
_COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,40}")
_OURS: Final = re.compile(r"`([^`\n]+)`")  # what a message shows as code already


def plain(text: str) -> str:
    """Return a text for within a line: every word that is more than one in code, those that follow each other
    together."""
    parts = _OURS.split(_line(text))
    pieces = [piece for number, part in enumerate(parts) for piece in ([(part, True)] if number % 2 else _pieces(part))]
    shown: list[str] = []
    # What is code stands nowhere beside other code: their backticks would be read as one fence.
    for as_code, group in groupby(_joined(pieces), key=lambda piece: piece[1]):
        run = "".join(piece for piece, _ in group)
        shown.append(code(run) if as_code else run)
    return "".join(shown)


def code(text: str) -> str:
    """Return a text as code within a line."""
    shown = _line(text)
    if not shown:
        return ""
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(text: str) -> str:
    """Return a text of several lines as code, for within an item of a list."""
    shown = _cut("\n".join(visible(line) for line in _cut(text).splitlines()))
    fence = "`" * max(3, _longest_run(shown) + 1)
    return "\n".join(f"  {line}" for line in (fence, *shown.split("\n"), fence))


def _line(text: str) -> str:
    return _cut(" ".join(visible(_cut(text)).split()))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield words, what stands around them, and gaps; each with whether it is to be code."""
    for word in re.split("( +)", text):
        bare = word.lstrip(_BEFORE)
        core = bare.rstrip(_AFTER)
        yield word[: len(word) - len(bare)], False
        yield core, not (core.isspace() or (_WORD.fullmatch(core) and not _COMMIT.fullmatch(core)))
        yield bare[len(core) :], False


def _joined(pieces: list[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Yield the pieces that are not empty; a gap between two that are code is code as well."""
    whole = [piece for piece in pieces if piece[0]]
    for number, (piece, as_code) in enumerate(whole):
        between = piece.isspace() and 0 < number < len(whole) - 1 and whole[number - 1][1] and whole[number + 1][1]
        yield piece, as_code or between


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
