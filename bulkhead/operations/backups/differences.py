"""Two backups of a database, table by table and row by row, by their keys; no value of a row is told.

SQLite compares, in files: neither has to fit into memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.d1 import schema
from jobs.d1.load import asking
from jobs.d1.schema import Schema, Table
from jobs.d1.values import name

_CACHE: Final = -32_000  # KiB of pages in memory
_OLD: Final = "main"
_NEW: Final = "newer"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that differs: ``columns`` are those that changed, none where it was ``added`` or ``removed``."""

    change: str
    key: tuple[Any, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one table. ``note`` is what is different besides rows; ``rows`` are the first of those that differ."""

    table: str
    added: int = 0
    removed: int = 0
    changed: int = 0
    note: str = ""
    key: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def is_none(self) -> bool:
        return not (self.added or self.removed or self.changed or self.note)


def differences(old: Path, new: Path, shown: int) -> Iterator[Difference]:
    """Yield in what the newer file differs from the older one, a table at a time, those alone that do. ``shown`` is how
    many rows of each change are named."""
    with closing(sqlite3.connect(_read_only(old), uri=True)) as connection:
        connection.execute(f"PRAGMA cache_size = {_CACHE}")
        before = schema.read(asking(connection))
        with closing(sqlite3.connect(_read_only(new), uri=True)) as other:
            after = schema.read(asking(other))
        connection.execute(f"ATTACH ? AS {_NEW}", (_read_only(new),))
        olds, news = ({table.name: table for table in each.tables} for each in (before, after))
        for table in sorted({**olds, **news}):
            if table not in olds:
                found = Difference(table, added=_count(connection, _NEW, table), note="is new")
            elif table not in news:
                found = Difference(table, removed=_count(connection, _OLD, table), note="is gone")
            else:
                found = _Comparison(connection, olds[table], news[table]).found(shown)
            if not found.is_none:
                yield found
    yield from _made(before, after)


def _made(before: Schema, after: Schema) -> Iterator[Difference]:
    """Yield what is made otherwise; that a table is new or gone is told with its rows."""
    olds, news = ({(one.type, one.name): one.sql for one in each.made} for each in (before, after))
    for type_, called in sorted({**olds, **news}):
        old, new = olds.get((type_, called)), news.get((type_, called))
        if old == new or (type_ == "table" and None in {old, new}):
            continue
        word = "is new" if old is None else "is gone" if new is None else "is made by other SQL"
        yield Difference(called, note=f"the {type_} {word}")


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A table that is in both."""

    connection: sqlite3.Connection
    old: Table
    new: Table

    def found(self, shown: int) -> Difference:
        shared = [each for each in self.old.columns if each in self.new.columns]
        key = tuple(each.column for each in self.old.keys)
        if not key or self.old.keys != self.new.keys or not set(key) <= set(shared):
            return self._by_values(shared)
        return self._by_key(key, shared, shown)

    def _by_key(self, key: tuple[str, ...], shared: Sequence[str], shown: int) -> Difference:
        old, new = (f"{each}.{name(self.old.name)}" for each in (_OLD, _NEW))
        same = " AND ".join(f"a.{each.sorted} = b.{name(each.column)}" for each in self.old.keys)
        order = f"ORDER BY {', '.join(str(number + 1) for number in range(len(key)))} LIMIT {shown}"
        unlike = {each: _unlike(each) for each in shared}
        added = f"FROM {new} b WHERE NOT EXISTS (SELECT 1 FROM {old} a WHERE {same})"
        removed = f"FROM {old} a WHERE NOT EXISTS (SELECT 1 FROM {new} b WHERE {same})"
        changed = f"FROM {old} a JOIN {new} b ON {same} WHERE {' OR '.join(unlike.values())}"
        rows = list[Row]()
        for change, side, which in (("added", "b", added), ("removed", "a", removed)):
            keys = ", ".join(f"{side}.{name(each)}" for each in key)
            rows += [Row(change, tuple(row)) for row in self._ask(f"SELECT {keys} {which} {order}")]
        keys, flags = ", ".join(f"a.{name(each)}" for each in key), ", ".join(f"({each})" for each in unlike.values())
        for row in self._ask(f"SELECT {keys}, {flags} {changed} {order}"):
            columns = tuple(each for each, flag in zip(unlike, row[len(key) :], strict=True) if flag)
            rows.append(Row("changed", tuple(row[: len(key)]), columns))
        come, gone, other = (int(self._ask(f"SELECT count(*) {which}")[0][0]) for which in (added, removed, changed))
        return Difference(self.old.name, come, gone, other, self._columns(), key, tuple(rows))

    def _by_values(self, shared: Sequence[str]) -> Difference:
        """Compare rows that have no name: as many of the same values are the same rows."""
        typed = ", ".join(
            f"typeof({name(each)}) AS t{number}, {name(each)} COLLATE BINARY AS v{number}"
            for number, each in enumerate(shared)
        )
        places = ", ".join(f"t{number}, v{number}" for number in range(len(shared)))
        sides = " UNION ALL ".join(
            f"SELECT {typed}, {one} AS n FROM {at}.{name(self.old.name)}" for at, one in ((_NEW, 1), (_OLD, -1))
        )
        more = f"SELECT sum(n) AS n FROM ({sides}) GROUP BY {places}"
        ((come, gone),) = self._ask(f"SELECT coalesce(sum(max(n, 0)), 0), coalesce(sum(max(-n, 0)), 0) FROM ({more})")
        unnamed = "its rows have no key that both know, so none is told to have changed" if come or gone else ""
        return Difference(self.old.name, come, gone, note="; ".join(filter(None, (self._columns(), unnamed))))

    def _columns(self) -> str:
        gone = [each for each in self.old.columns if each not in self.new.columns]
        come = [each for each in self.new.columns if each not in self.old.columns]
        return "; ".join(f"columns {what}: {', '.join(some)}" for what, some in (("gone", gone), ("new", come)) if some)

    def _ask(self, sql: str) -> list[Sequence[Any]]:
        return self.connection.execute(sql).fetchall()


def _read_only(file: Path) -> str:
    return f"{file.resolve().as_uri()}?mode=ro"


def _count(connection: sqlite3.Connection, side: str, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {side}.{name(table)}").fetchone()[0])


def _unlike(column: str) -> str:
    """Return what is true of two rows in which a column has not the same value: 1 and 1.0, and a and A, are not."""
    a, b = f"a.{name(column)}", f"b.{name(column)}"
    return f"typeof({a}) <> typeof({b}) OR {a} IS NOT {b} COLLATE BINARY"
