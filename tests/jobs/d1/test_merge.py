"""Rows of a backup come into a table that goes on: missing ones, or all that are named, and no other is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jobs.d1 import fingerprint, pages, schema
from jobs.d1.load import asking
from jobs.d1.merge import Merge, Unlike
from tests.support.d1_databases import NASTY, contents, made


class Pair:
    """A database as it was, and as it is."""

    def __init__(self, folder: Path, then: Sequence[str], now: Sequence[str]) -> None:
        self.then = sqlite3.connect(made(folder / "then.sqlite", then), isolation_level=None)
        self.file = made(folder / "now.sqlite", now)
        self.now = sqlite3.connect(self.file, isolation_level=None)
        self.now.execute("PRAGMA foreign_keys = ON")

    def merge(self, table: str) -> tuple[Merge, list[tuple[Any, ...]]]:
        query = asking(self.then)
        dumped = _table(schema.read(query), table)
        rows = list(pages.rows(query, dumped, fingerprint.facts(query, dumped)))
        return Merge.of(asking(self.now), table, dumped, schema.declared(query, table).columns), rows

    def run(self, table: str, *, replaces: bool = False) -> None:
        merge, rows = self.merge(table)
        sql = "\n".join(merge.sql(schema.read(asking(self.now)), rows, replaces=replaces))
        self.now.executescript(f"BEGIN; {sql} COMMIT;")


def _table(made: schema.Schema, name: str) -> schema.Table:
    return next(each for each in made.tables if each.name == name)


@pytest.fixture
def pair(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    then, now = request.param
    found = Pair(tmp_path, then, [*then, *now])
    with closing(found.then), closing(found.now):
        yield found


FAMILY = (
    "CREATE TABLE parents (id INTEGER PRIMARY KEY, nick TEXT UNIQUE, age)",
    "CREATE TABLE children (id INTEGER PRIMARY KEY, parent REFERENCES parents (id) ON DELETE CASCADE)",
    "INSERT INTO parents VALUES (1, 'ann', 1.5), (2, 'bob', NULL), (3, 'cid', 3)",
    "INSERT INTO children VALUES (1, 1), (2, 2)",
)


@pytest.mark.parametrize(
    "pair",
    [(FAMILY, ["DELETE FROM parents WHERE id IN (2, 3)", "UPDATE parents SET nick = 'ann2', age = 9 WHERE id = 1"])],
    indirect=True,
)
def test_missing_rows_are_added_and_the_others_stay(pair: Pair) -> None:
    merge, rows = pair.merge("parents")
    assert merge.there(asking(pair.now), (key for key, _ in merge.keyed(rows))) == 1
    pair.run("parents")
    assert pair.now.execute("SELECT * FROM parents").fetchall() == [(1, "ann2", 9), (2, "bob", None), (3, "cid", 3)]
    assert pair.now.execute("SELECT id FROM children").fetchall() == [(1,)]
    assert not pair.now.execute("SELECT name FROM sqlite_schema WHERE name LIKE '_bulkhead%'").fetchall()


@pytest.mark.parametrize(
    "pair",
    [(FAMILY, ["UPDATE parents SET nick = nick || '2'", "INSERT INTO parents VALUES (4, 'dot', 4)"])],
    indirect=True,
)
def test_rows_that_are_overwritten_keep_their_children_and_others_are_not_touched(pair: Pair) -> None:
    pair.run("parents", replaces=True)
    assert pair.now.execute("SELECT nick FROM parents").fetchall() == [("ann",), ("bob",), ("cid",), ("dot",)]
    assert pair.now.execute("SELECT count(*) FROM children").fetchone() == (2,)


@pytest.mark.parametrize(
    "pair", [(FAMILY, ["DELETE FROM parents", "INSERT INTO parents VALUES (9, 'ann', 0)"])], indirect=True
)
def test_a_row_whose_other_key_somebody_else_has_stops_all_of_them(pair: Pair) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: parents\.nick"):
        pair.run("parents")
    pair.now.execute("ROLLBACK")
    assert pair.now.execute("SELECT id FROM parents").fetchall() == [(9,)]


@pytest.mark.parametrize("table", ["vals", "keyed", "mixed", "down", "made", "long", "exact"])
@pytest.mark.parametrize("fate", ["DELETE FROM {0}", "UPDATE {0} SET {1} = NULL"])
def test_every_value_comes_back_as_it_was(table: str, fate: str, tmp_path: Path) -> None:
    column = {"vals": "a", "made": "a", "exact": "n", "long": "b"}.get(table, "v")
    spoilt = fate.format(table, column)
    pair = Pair(tmp_path, NASTY, [*NASTY, "DROP TRIGGER noted", spoilt])
    with closing(pair.then), closing(pair.now):
        pair.now.execute("DELETE FROM long")  # randomblob made it anew
        pair.run(table, replaces=True)
        pair.run("long")
    after, expected = contents(pair.file), contents(tmp_path / "then.sqlite")
    assert after[table] == expected[table]
    assert after["long"] == expected["long"]


def test_a_table_of_another_form_says_all_that_is_unlike(tmp_path: Path) -> None:
    then = ("CREATE TABLE t (a INTEGER PRIMARY KEY, b, c)",)
    now = ("CREATE TABLE t (x TEXT PRIMARY KEY, b)",)
    pair = Pair(tmp_path, then, now)
    with closing(pair.then), closing(pair.now), pytest.raises(Unlike) as unlike:
        pair.merge("t")
    assert unlike.value.reasons == (
        "column a is not there any more",
        "column c is not there any more",
        "its key has the column x now, which the backup does not know",
    )


def test_a_row_is_known_by_its_key_and_not_by_the_place_that_sqlite_gave_it(tmp_path: Path) -> None:
    then = ("CREATE TABLE t (id TEXT PRIMARY KEY, v)", "INSERT INTO t VALUES ('a', 1), ('b', 2)")
    now = (*then, "DELETE FROM t WHERE id = 'b'", "INSERT INTO t VALUES ('c', 3)")
    pair = Pair(tmp_path, then, now)
    with closing(pair.then), closing(pair.now):
        pair.run("t", replaces=True)
        assert pair.now.execute("SELECT * FROM t ORDER BY id").fetchall() == [("a", 1), ("b", 2), ("c", 3)]


def test_a_table_in_which_no_row_can_be_told_is_refused(tmp_path: Path) -> None:
    pair = Pair(tmp_path, NASTY, NASTY)
    with closing(pair.then), closing(pair.now), pytest.raises(Unlike, match="it has no primary key"):
        pair.merge("loose")
