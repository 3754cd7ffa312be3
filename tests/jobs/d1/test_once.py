"""A small database is dumped as it was at one moment, although somebody writes all the time."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jobs.d1 import once
from jobs.d1.dump import dump
from jobs.d1.load import asking, into_file
from jobs.d1.manifest import Manifest, parsed
from jobs.d1.schema import Query
from tests.support.d1_databases import SOURCE, made

PAIRS = (
    "CREATE TABLE one (id INTEGER PRIMARY KEY, v)",
    "CREATE TABLE two (id INTEGER PRIMARY KEY, v)",
    "INSERT INTO one VALUES (1, 0)",
    "INSERT INTO two VALUES (1, 0)",
)


class Written:
    """A database in which both tables are changed together before every question, as often as ``writes`` says."""

    def __init__(self, connection: sqlite3.Connection, writes: Sequence[str], most: int) -> None:
        self._connection, self._query = connection, asking(connection)
        self._writes, self.left, self.batches = writes, most, 0

    def _write(self) -> None:
        if self.left:
            self.left -= 1
            for each in self._writes:
                self._connection.execute(each)

    def ask(self, sql: str) -> list[Sequence[Any]]:
        self._write()
        return list(self._query(sql))

    def together(self, statements: Sequence[str]) -> list[list[Sequence[Any]]]:
        self.batches += 1
        self._write()
        return [list(self._query(each)) for each in statements]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(made(tmp_path / "pairs.sqlite", PAIRS), isolation_level=None)) as opened:
        yield opened


BOTH = ("UPDATE one SET v = v + 1", "UPDATE two SET v = v + 1")


def taken(source: Written, together: bool = True) -> tuple[bytes, Manifest]:
    written, bookmarks = io.BytesIO(), iter("12")
    batch = source.together if together else None
    found = dump(source.ask, written.write, source=SOURCE, bookmark=lambda: next(bookmarks), together=batch)
    return written.getvalue(), found


def pair(sql: bytes, manifest: Manifest, file: Path) -> list[Any]:
    into_file(io.BytesIO(sql), manifest, file, source=SOURCE)
    with closing(sqlite3.connect(file)) as loaded:
        return loaded.execute("SELECT one.v, two.v FROM one, two").fetchone()  # type: ignore[no-any-return]


def test_a_small_database_is_of_one_moment_whoever_writes(connection: sqlite3.Connection, tmp_path: Path) -> None:
    sql, manifest = taken(Written(connection, BOTH, most=10_000))
    one, two = pair(sql, manifest, tmp_path / "back.sqlite")
    assert one == two
    assert manifest.at_once
    assert manifest.is_consistent
    assert parsed(manifest.text()) == manifest


def test_page_by_page_the_same_database_is_of_no_moment(connection: sqlite3.Connection, tmp_path: Path) -> None:
    sql, manifest = taken(Written(connection, BOTH, most=10_000), together=False)
    one, two = pair(sql, manifest, tmp_path / "back.sqlite")
    assert one != two
    assert not manifest.is_consistent


def test_what_is_too_much_for_a_batch_is_read_page_by_page(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, few in (("_STATEMENTS", 3), ("_LETTERS", 40)):
        with monkeypatch.context() as patch:
            patch.setattr(once, limit, few)
            source = Written(connection, (), most=0)
            assert not taken(source)[1].is_consistent
            assert source.batches == 0


def test_a_schema_that_changes_before_the_batch_is_asked_for_again(connection: sqlite3.Connection) -> None:
    source = Written(connection, BOTH, most=0)
    query: Query = source.ask
    changes = ["CREATE TABLE three (id INTEGER PRIMARY KEY)"]

    def together(statements: Sequence[str]) -> list[list[Sequence[Any]]]:
        for each in changes:
            connection.execute(each)
        changes.clear()
        return source.together(statements)

    found = dump(query, len, source=SOURCE, together=together)
    assert source.batches == 2
    assert found.is_consistent
    assert set(found.tables) == {"one", "two", "three"}


def test_the_ledger_of_migrations_is_of_the_same_moment(tmp_path: Path) -> None:
    ledger = (
        "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name)",
        "INSERT INTO d1_migrations VALUES (1, 'one')",
    )
    with closing(sqlite3.connect(made(tmp_path / "ledger.sqlite", ledger), isolation_level=None)) as connection:
        source = Written(connection, ("INSERT INTO d1_migrations (name) VALUES ('later')",), most=1)
        _, manifest = taken(source)
    assert manifest.at_once
    assert len(manifest.migrations) == manifest.tables["d1_migrations"].rows
