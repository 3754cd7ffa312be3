"""A SQLite that knows less than D1's compares every value all the same, and says what it cannot check."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.d1 import load
from jobs.d1.dump import dump
from jobs.d1.load import LoadFailed, asking, into_file
from jobs.d1.manifest import Manifest
from tests.support.d1_databases import SOURCE, packed

# `word_of` stands for a function that SQLite got after the version that reads the dump.
LATER = (
    """CREATE TABLE made (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, "a ""q" ANY,
       w TEXT AS (word_of(v)) STORED, CHECK (word_of(v) <> 'no'))""",
    "INSERT INTO made (v, \"a \"\"q\") VALUES ('one', -0.0), (X'ff00', CAST(X'ff00' AS TEXT)), (0, 9007199254740993)",
    "CREATE TABLE odd (rowid TEXT, v CHECK (word_of(v) NOT NULL))",
    "INSERT INTO odd VALUES ('a', 1), ('b', X'00')",
    "CREATE TABLE vacant (v CHECK (word_of(v)))",
    "CREATE TABLE child (v REFERENCES made (id))",
    "INSERT INTO child VALUES (1)",
    "CREATE INDEX by_word ON child (word_of(v))",
)


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, Manifest]:
    """The dump of a database that only another SQLite can load."""
    monkeypatch.setattr(load, "SQLITE", (99,))
    written = io.BytesIO()
    with closing(sqlite3.connect(tmp_path / "later.sqlite", isolation_level=None)) as connection:
        connection.create_function("word_of", 1, str, deterministic=True)
        for each in LATER:
            connection.execute(each)
        manifest = dump(asking(connection), written.write, source=SOURCE, bookmark=lambda: "same")
    return written.getvalue(), manifest


def test_every_value_is_compared_and_what_is_unchecked_is_said(later: tuple[bytes, Manifest], tmp_path: Path) -> None:
    sql, manifest = later
    loaded = into_file(io.BytesIO(sql), manifest, tmp_path / "back.sqlite", source=SOURCE)
    assert [each.partition("in 'CREATE ")[2].split("(")[0].strip() for each in loaded.unchecked[:4]] == [
        "TABLE made",
        "TABLE odd",
        "TABLE vacant",
        "",
    ]
    assert any("INDEX by_word" in each for each in loaded.unchecked)
    assert all("no such" in each for each in loaded.unchecked)
    with closing(sqlite3.connect(tmp_path / "back.sqlite")) as connection:
        rows = connection.execute('SELECT id, hex(v), hex("a ""q") FROM made ORDER BY id').fetchall()
        assert rows == [(1, "6F6E65", "30"), (2, "FF00", "FF00"), (3, "30", b"9007199254740993".hex().upper())]


def test_a_value_that_is_another_one_shows_without_the_constraints(
    later: tuple[bytes, Manifest], tmp_path: Path
) -> None:
    sql, manifest = later
    others = {**manifest.tables, "odd": replace(manifest.tables["odd"], checksum="0" * 64)}
    with pytest.raises(LoadFailed, match=r"table odd: .*not the same values"):
        into_file(io.BytesIO(sql), replace(manifest, tables=others), tmp_path / "back.sqlite", source=SOURCE)
    fewer = {name: each for name, each in manifest.tables.items() if name != "odd"}
    with pytest.raises(LoadFailed, match="table odd: not in the dump"):
        into_file(io.BytesIO(sql), replace(manifest, tables=fewer), tmp_path / "back.sqlite", source=SOURCE)
    more = {**manifest.tables, "lost": manifest.tables["child"]}
    with pytest.raises(LoadFailed, match="table lost: missing"):
        into_file(io.BytesIO(sql), replace(manifest, tables=more), tmp_path / "back.sqlite", source=SOURCE)


def test_a_sqlite_that_is_new_enough_lets_nothing_pass(
    later: tuple[bytes, Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "SQLITE", (3,))
    with pytest.raises(LoadFailed, match="no such function: word_of"):
        into_file(io.BytesIO(later[0]), later[1], tmp_path / "back.sqlite", source=SOURCE)


def test_nothing_is_left_unchecked_that_an_older_sqlite_knows(
    nasty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "SQLITE", (99,))
    content, manifest = packed(nasty)
    assert into_file(io.BytesIO(content), manifest, tmp_path / "back.sqlite", source=SOURCE).unchecked == ()
