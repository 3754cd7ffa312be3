"""A D1 database written as SQL that makes it again, in constant memory.

The order: tables, parents first, and the indexes that foreign keys need; their rows; counters of AUTOINCREMENT; other
indexes, views, text indexes; triggers last, so that none acts on the rows. D1 takes all of it in one transaction, in
which foreign keys are looked at last.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Final

from jobs.d1 import fingerprint, pages, schema
from jobs.d1.fingerprint import Facts, Fingerprint, Taking
from jobs.d1.manifest import Manifest
from jobs.d1.once import Together, at_once
from jobs.d1.schema import LONGEST, MIGRATIONS, SEQUENCE, DumpFailed, Query, Schema, Table
from jobs.d1.texts import filled
from jobs.d1.values import Row, Value, as_bytes, literal, name

_ROOM: Final = 90_000  # of one that holds rows
_STEPS: Final = 15_000  # of the program that SQLite makes of a statement; 25,000 are the most in workerd
_PER_ROW: Final = 4  # steps beside one for each value
_PIECE: Final = 40_000  # bytes of a long value in one statement, where they take twice as many letters
_SCRATCH: Final = "_bulkhead_long"

Write = Callable[[bytes], object]


def dump(
    query: Query,
    write: Write,
    *,
    source: str,
    bookmark: Callable[[], str] | None = None,
    together: Together | None = None,
    ahead: Executor | None = None,
) -> Manifest:
    """Write the SQL that makes a database again, and return what it is recognised by.

    ``query`` asks the database, ``together`` asks several things at one moment, ``bookmark`` returns Time Travel's
    present one, ``ahead`` reads the next page where the database answers two threads. Raises DumpFailed; what was
    written until then is no dump.
    """
    began, before = time.monotonic(), bookmark() if bookmark else None
    answers = at_once(lambda asked: _written(asked, _Sql(lambda _: None)), query, together) if together else None
    sql = _Sql(write)
    made, tables, fuzzy, migrations = _written(answers or query, sql, None if answers else ahead)
    changed = schema.read(answers or query) != made
    bookmarks = (before, bookmark()) if bookmark and before else None
    if changed:
        raise DumpFailed("the schema was changed meanwhile. fix: dump again when no migration runs")
    took = round(time.monotonic() - began, 3)
    found = Manifest(
        source, sql.sha256, sql.bytes, made.digest, tables, bookmarks, fuzzy, answers is not None, migrations, took
    )
    if fuzzy and found.is_consistent:
        raise DumpFailed(f"what was read is not what the database counts, and nothing was written: {', '.join(fuzzy)}")
    return found


def _written(
    query: Query, sql: _Sql, ahead: Executor | None = None
) -> tuple[Schema, dict[str, Fingerprint], tuple[str, ...], tuple[str, ...]]:
    """Write all there is; return of what the database is made, its tables, which of them changed meanwhile, and what
    migrations it has had."""
    made, tables, fuzzy = schema.read(query), dict[str, Fingerprint](), list[str]()
    for statement in _before(made):
        sql.add(statement)
    scratch = Scratch(made)
    for table in made.tables:
        told = fingerprint.facts(query, table)
        taking = Taking(len(table.columns))
        if table.name == SEQUENCE:
            sql.add(f"DELETE FROM {SEQUENCE};")
        for insert in inserts(table, taking.of(pages.rows(query, table, told, ahead)), scratch):
            sql.add(insert)
        tables[table.name] = taking.taken()
        if not _agree(told, tables[table.name]):
            fuzzy.append(table.name)
    for statement in (*scratch.dropped(), *_after(query, made)):
        sql.add(statement)
    return made, tables, tuple(fuzzy), _migrations(query, made)


def _migrations(query: Query, made: Schema) -> tuple[str, ...]:
    ledger = next((each for each in made.tables if each.name == MIGRATIONS), None)
    if ledger is None or not {"id", "name"} <= set(ledger.columns):
        return ()
    return tuple(str(row[0]) for row in query(f"SELECT name FROM {MIGRATIONS} ORDER BY id"))


def _agree(told: Facts, taken: Fingerprint) -> bool:
    return (told.rows, told.columns) == (taken.rows, taken.columns)


def _before(made: Schema) -> Iterator[str]:
    yield "PRAGMA defer_foreign_keys=TRUE;"
    yield from (each.statement for each in made.of("table"))
    yield from (each.statement for each in made.of("index") if each.name in made.keyed)
    yield from made.settings


def _after(query: Query, made: Schema) -> Iterator[str]:
    yield from (each.statement for each in made.of("index") if each.name not in made.keyed)
    yield from (each.statement for each in made.of("view"))
    for index in made.rebuilt:
        yield from filled(query, index)
    yield from (each.statement for each in made.of("trigger"))


class _Sql:
    """What is written, a statement at a time."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._hash = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def add(self, statement: str) -> None:
        try:
            line = f"{statement}\n".encode()
        except UnicodeEncodeError as error:
            raise DumpFailed(f"a name or a schema is not UTF-8, near {statement[:60]!a}") from error
        if len(line) > LONGEST:
            raise DumpFailed(f"a statement has {len(line)} bytes, and D1 takes {LONGEST}: {statement[:60]!a}...")
        self._write(line)
        self._hash.update(line)
        self.bytes += len(line)


class Scratch:
    """The table in which a value grows that is too long for one statement; it is made when there is one."""

    def __init__(self, made: Schema) -> None:
        self.name = made.free(_SCRATCH)
        self._is_made = False

    def kept(self, number: int, value: str | bytes) -> Iterator[str]:
        """Yield what keeps a value as the row's ``number``-th."""
        if not self._is_made:
            self._is_made = True
            columns = "id INTEGER, part INTEGER, data BLOB, PRIMARY KEY (id, part)"
            yield f"CREATE TABLE {self.name} ({columns}) WITHOUT ROWID;"
        content = as_bytes(value) if isinstance(value, str) else value
        for part, start in enumerate(range(0, len(content), _PIECE)):
            yield f"INSERT INTO {self.name} VALUES ({number},{part},X'{content[start : start + _PIECE].hex()}');"

    def again(self, number: int, value: str | bytes) -> str:
        """Return the expression that is the value."""
        pieces = f"SELECT data FROM {self.name} WHERE id={number} ORDER BY part"
        type_ = "TEXT" if isinstance(value, str) else "BLOB"
        return f"(SELECT CAST(group_concat(data,'') AS {type_}) FROM ({pieces}))"

    def emptied(self) -> str:
        return f"DELETE FROM {self.name};"

    def dropped(self) -> Iterator[str]:
        if self._is_made:
            yield f"DROP TABLE {self.name};"


def inserts(table: Table, rows: Iterable[Row], scratch: Scratch) -> Iterator[str]:
    """Yield the statements that put rows into a table."""
    head = f"INSERT INTO {name(table.name)} ({', '.join(map(name, table.columns))}) VALUES\n"
    room = _ROOM - len(as_bytes(head))
    batch, size, most = list[str](), 0, _STEPS // (len(table.columns) + _PER_ROW)
    for row in rows:
        text = f"({','.join(map(literal, row))})"
        needed = (len(text) if text.isascii() else len(text.encode())) + len(",\n")
        if batch and (size + needed > room or len(batch) >= most):
            yield _insert(head, batch)
            batch, size = [], 0
        if needed > room:
            yield from _long(head, row, room, scratch)
            continue
        batch.append(text)
        size += needed
    if batch:
        yield _insert(head, batch)


def _insert(head: str, rows: Iterable[str]) -> str:
    return head + ",\n".join(rows) + ";"


def _long(head: str, row: Row, room: int, scratch: Scratch) -> Iterator[str]:
    """Yield the statements of a row that is too long for one: its longest values go by way of the scratch table."""
    texts = [literal(value) for value in row]
    sizes = [len(text.encode()) for text in texts]
    for place in sorted(range(len(row)), key=sizes.__getitem__, reverse=True):
        value: Value = row[place]
        if sum(sizes) + len(sizes) + 1 <= room or not isinstance(value, str | bytes):
            break
        yield from scratch.kept(place, value)
        texts[place] = scratch.again(place, value)
        sizes[place] = len(texts[place])
    yield _insert(head, [f"({','.join(texts)})"])
    yield scratch.emptied()
