"""A small database read at one moment: a batch of D1's query API is one transaction, whoever writes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from jobs.d1.schema import Query

# Asks several statements as one transaction, and returns the rows of each.
Together = Callable[[Sequence[str]], Sequence[Iterable[Sequence[Any]]]]

_STATEMENTS: Final = 300
_LETTERS: Final = 4_000_000  # of all answers
_ATTEMPTS: Final = 3


class _TooMuch(Exception):
    """More is asked than one batch has room for."""


class _Unasked(Exception):
    """Something is asked that the batch has no answer to, so the database was changed between a try and its batch."""


def at_once(read: Callable[[Query], object], query: Query, together: Together) -> Query | None:
    """Return what answers all that ``read`` asks as it was at one moment; None where that is too much for a batch, or
    somebody writes in between each time. What is asked depends on answers, so ``read`` runs once to find out."""
    for _ in range(_ATTEMPTS):
        asked = _Asked(query)
        try:
            read(asked)
        except _TooMuch:
            return None
        rows = [list(each) for each in together(list(asked.statements))]
        answers = _answering(dict(zip(asked.statements, rows, strict=True)))
        try:
            read(answers)
        except _Unasked:
            continue
        return answers
    return None


class _Asked:
    """Asks, and notes what was asked."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._letters = 0
        self.statements: dict[str, None] = {}

    def __call__(self, sql: str) -> Iterable[Sequence[Any]]:
        rows = list(self._query(sql))
        self.statements[sql] = None
        self._letters += sum(len(str(value)) for row in rows for value in row)
        if len(self.statements) > _STATEMENTS or self._letters > _LETTERS:
            raise _TooMuch
        return rows


def _answering(answers: dict[str, list[Sequence[Any]]]) -> Query:
    def answer(sql: str) -> Iterable[Sequence[Any]]:
        if sql not in answers:
            raise _Unasked
        return answers[sql]

    return answer
