"""The rows of a table in pages of bounded size: each page goes on after the last key of the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final

from jobs.d1.fingerprint import Facts
from jobs.d1.schema import DumpFailed, Query, Table
from jobs.d1.values import Long, Replaced, Row, Value, as_text, handed_out, literal, name, taken

MOST = 5_000  # rows of a page
_PIECE: Final = 500_000  # bytes of a long value that are asked for at once; D1 hands out twice as many letters
_USUAL: Final = 4_000_000  # bytes of an ordinary page
_LARGEST: Final = 16_000_000  # of one whose rows are all as large as the largest
_WIDEST: Final = 100  # columns of a result; source: D1, "Limits"
_ATTEMPTS: Final = 5
_LONGEST_KEY: Final = 40_000  # bytes of one that a statement has room for


Read = tuple[Value | Long, ...]


class _Moved(Exception):
    """Rows of a page were changed between two queries about it."""


def rows(query: Query, table: Table, facts: Facts, ahead: Executor | None = None) -> Iterator[Row]:
    """Yield the rows of a table in the order of its keys. ``facts`` say how large they are; ``ahead`` reads the next
    page while one is gone through, for which the database has to answer two threads. Raises DumpFailed."""
    pages, limit = _Pages(query, table), _limit(facts, pages=1 if ahead is None else 2)
    coming: Future[Sequence[Read]] | None = None
    done, last, attempts, is_more = 0, None, 0, True
    while is_more:
        try:
            page = coming.result() if coming else pages.read(last, done, limit)
            coming = None
            if ahead and len(page) == limit:
                coming = ahead.submit(pages.read, page[-1], done + limit, limit)
            for read in page:
                last = pages.whole(read, done)  # one by one, because the long values of a page are without bound
                yield last
                done, attempts = done + 1, 0
            is_more = len(page) == limit
        except _Moved:
            coming = None
            attempts += 1
            if attempts == _ATTEMPTS:
                raise _restless(table) from None


def _limit(facts: Facts, pages: int) -> int:
    """Return how many rows a page may have, of which as many as ``pages`` are in memory."""
    average = facts.width // facts.rows if facts.rows else 0
    return max(1, min(MOST, _USUAL // max(1, average), _LARGEST // pages // max(1, facts.widest)))


@dataclass(frozen=True, slots=True)
class _Pages:
    query: Query
    table: Table

    def read(self, last: Read | None, done: int, limit: int) -> Sequence[Read]:
        """Return the rows after ``last``, of which ``done`` were read, and ``limit`` at most. D1 answers with a hundred
        columns, so a wider table takes several queries, and the keys in each tell whether they are about the same rows.
        """
        where = self._from(last, ">", done, limit)
        columns, keys = self.table.columns, [key.column for key in self.table.keys]
        if len(columns) <= _WIDEST:
            return self._part(columns, where)
        others, size = [each for each in columns if each not in keys], _WIDEST - len(keys)
        if size < 1:
            raise DumpFailed(f"table {self.table.name}: its key has more columns than one query can answer with")
        parts = [[*keys, *others[start : start + size]] for start in range(0, len(others), size)]
        answers = [self._part(part, where) for part in parts]
        if any([row[: len(keys)] for row in each] != [row[: len(keys)] for row in answers[0]] for each in answers):
            raise _Moved
        order = [[*keys, *others].index(column) for column in columns]
        whole = [
            [*pieces[0], *(value for piece in pieces[1:] for value in piece[len(keys) :])]
            for pieces in zip(*answers, strict=True)
        ]
        return [tuple(row[each] for each in order) for row in whole]

    def _part(self, columns: Sequence[str], where: str) -> Sequence[Read]:
        try:
            return self._asked(columns, where, as_bytes=False)
        except Replaced:
            return self._asked(columns, where, as_bytes=True)

    def _asked(self, columns: Sequence[str], where: str, *, as_bytes: bool) -> Sequence[Read]:
        inner = ", ".join(f"{name(column)} AS v{number}" for number, column in enumerate(columns))
        outer = ", ".join(handed_out(f"v{number}", as_bytes=as_bytes) for number in range(len(columns)))
        answers = self.query(f"SELECT {outer} FROM (SELECT {inner} FROM {name(self.table.name)} {where})")
        return [tuple(map(taken, row)) for row in answers]

    def whole(self, row: Read, number: int) -> Row:
        """Return the row at a place with its long values, of which a page tells the length alone."""
        if Long not in map(type, row):
            return tuple(row)  # type: ignore[arg-type]
        return tuple(
            self._long(row, number, column, value) if isinstance(value, Long) else value
            for column, value in zip(self.table.columns, row, strict=True)
        )

    def _long(self, row: Read, number: int, column: str, value: Long) -> str | bytes:
        where = self._from(row, "=", number, 1)
        content = bytearray()
        for start in range(1, value.bytes + 1, _PIECE):
            piece = f"hex(substr(CAST({name(column)} AS BLOB), {start}, {_PIECE}))"
            found = [*self.query(f"SELECT typeof({name(column)}), {piece} FROM {name(self.table.name)} {where}")]
            if not found or (found[0][0] == "text") != value.is_text:
                raise _Moved
            content += bytes.fromhex(found[0][1])
        if len(content) != value.bytes:
            raise _Moved
        return as_text(bytes(content)) if value.is_text else bytes(content)

    def _from(self, row: Read | None, operator: str, place: int, limit: int) -> str:
        """Return what follows the table's name: where its rows begin, by the key of ``row``. They are counted from the
        first one where columns hide the rowid, in whose order SQLite goes without an index, or a key is too long."""
        order = f"ORDER BY {', '.join(key.sorted for key in self.table.keys)}" if self.table.keys else "NOT INDEXED"
        if row is None:
            return f"{order} LIMIT {limit}"
        key = self._key(row)
        if key is None:
            return f"{order} LIMIT {limit} OFFSET {place}"
        return f"WHERE ({', '.join(each.sorted for each in self.table.keys)}) {operator} ({key}) {order} LIMIT {limit}"

    def _key(self, row: Read) -> str | None:
        """Return the key of a row as SQL, None where there is none that a statement has room for."""
        values = [row[self.table.columns.index(each.column)] for each in self.table.keys]
        said = ", ".join(literal(each) for each in values if not isinstance(each, Long))
        is_whole = not any(isinstance(each, Long) for each in values)
        return said if said and is_whole and len(said.encode()) <= _LONGEST_KEY else None


def _restless(table: Table) -> DumpFailed:
    return DumpFailed(
        f"table {table.name}: its rows are changed faster than they can be read."
        f" fix: turn maintenance on, or do it at an hour with fewer writes"
    )
