"""A dump takes the place of what a database holds, in one transaction: whatever that is."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from jobs.d1.load import asking, differences
from jobs.d1.wipe import replacing
from tests.support.d1_databases import NASTY, SEARCHED, contents, dumped, made

KEPT = (
    "PRAGMA defer_foreign_keys=TRUE",
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER NOT NULL REFERENCES b (id) ON DELETE RESTRICT, "
    "own REFERENCES a (id) ON DELETE RESTRICT)",
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES a (id) ON DELETE RESTRICT)",
    "INSERT INTO a VALUES (1, 1, 1), (2, 1, 1)",
    "INSERT INTO b VALUES (1, 1)",
    "CREATE TRIGGER never BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'nothing is deleted here'); END",
)
# Dropping events deletes shifts, and those the work on them, which SQLite refuses when users are gone.
CASCADING = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY)",
    "CREATE TABLE events (id INTEGER PRIMARY KEY)",
    "CREATE TABLE shifts (id INTEGER PRIMARY KEY, event REFERENCES events (id) ON DELETE CASCADE)",
    "CREATE TABLE work (shift REFERENCES Shifts (id) ON DELETE CASCADE, user REFERENCES users (id))",
    "INSERT INTO users VALUES (1)",
    "INSERT INTO events VALUES (1)",
    "INSERT INTO shifts VALUES (1, 1)",
    "INSERT INTO work VALUES (1, 1)",
)
CIRCLES = (
    "PRAGMA defer_foreign_keys=TRUE",
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, owner REFERENCES users (id) ON DELETE CASCADE)",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, team REFERENCES teams (id) ON DELETE SET NULL, "
    "chief REFERENCES users (id) ON DELETE CASCADE, plan REFERENCES plans (id) ON DELETE CASCADE)",
    "CREATE TABLE plans (id INTEGER PRIMARY KEY, author REFERENCES users (id) ON DELETE SET DEFAULT)",
    "INSERT INTO teams VALUES (1, 1)",
    "INSERT INTO users VALUES (1, 1, 1, 1), (2, 1, 1, 1)",
    "INSERT INTO plans VALUES (1, 1)",
)
# As ORMs write it: what a key references is made unique by an index.
KEYED_BY_INDEX = (
    "CREATE TABLE tags (id TEXT PRIMARY KEY, owner TEXT NOT NULL, word TEXT)",
    "CREATE UNIQUE INDEX tags_owner_id ON tags (owner, id)",
    "CREATE UNIQUE INDEX tags_word ON tags (word) WHERE word NOT NULL",
    "CREATE TABLE rules (owner TEXT, tag TEXT, FOREIGN KEY (owner, tag) REFERENCES Tags (owner, ID) ON DELETE CASCADE)",
    "INSERT INTO tags VALUES ('t', 'o', 'w')",
    "INSERT INTO rules VALUES ('o', 't')",
)
CONTENTLESS = ("CREATE VIRTUAL TABLE f USING fts5(body, content='')", "INSERT INTO f (body) VALUES ('x')")
SMALL = ("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)", "INSERT INTO words VALUES (1, 'kept')")


@pytest.mark.parametrize(
    ("there", "dump"),
    [
        pytest.param(NASTY, SMALL, id="nasty-small"),
        pytest.param(SMALL, NASTY, id="small-nasty"),
        pytest.param(NASTY, NASTY, id="nasty-nasty"),
        pytest.param(SEARCHED, SEARCHED, id="searched"),
        pytest.param(KEPT, SMALL, id="restricted"),
        pytest.param(CASCADING, CASCADING, id="cascading"),
        pytest.param(CIRCLES, CASCADING, id="circles"),
        pytest.param(KEYED_BY_INDEX, KEYED_BY_INDEX, id="keyed-by-index"),
        pytest.param(CONTENTLESS, SMALL, id="contentless"),
    ],
)
def test_a_dump_takes_the_place_of_whatever_is_there(there: Sequence[str], dump: Sequence[str], tmp_path: Path) -> None:
    source, file = made(tmp_path / "source.sqlite", dump), made(tmp_path / "there.sqlite", there)
    sql, manifest = dumped(source)
    (tmp_path / "dump.sql").write_bytes(sql)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        replacing(asking(connection), tmp_path / "dump.sql", tmp_path / "whole.sql")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(f"BEGIN; {(tmp_path / 'whole.sql').read_text()} COMMIT;")
        assert differences(asking(connection), manifest) == []
    after, expected = contents(file), contents(source)
    if "sqlite_sequence" not in expected:  # SQLite never drops its counters again; there is none in them
        assert after.pop("sqlite_sequence", []) == []
        after[""] = [each for each in after[""] if each[1] != "sqlite_sequence"]
    assert after == expected
