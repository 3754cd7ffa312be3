"""What is damaged, cut off, of another database or of no one moment is recognised, and nothing of it is loaded."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from jobs.d1 import pages
from jobs.d1.dump import dump
from jobs.d1.load import LoadFailed, asking, differences, into_file, statements
from jobs.d1.manifest import Manifest, Unreadable, parsed
from jobs.d1.schema import DumpFailed, Query
from tests.support.d1_databases import SOURCE, contents, dumped, generated, made

SMALL = (
    "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT, n)",
    "INSERT INTO words VALUES (1, 'harbor', 1), (2, 'light', 1.5), (3, 'quay', X'01')",
)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return made(tmp_path / "small.sqlite", SMALL)


@pytest.fixture
def connection(small: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(small, isolation_level=None)) as opened:
        yield opened


def refused(sql: bytes, manifest: Manifest, file: Path, source: str = SOURCE) -> str:
    with pytest.raises(LoadFailed) as failed:
        into_file(io.BytesIO(sql), manifest, file, source=source)
    assert not file.exists(), "something is left of what was not loaded"
    return str(failed.value)


def test_a_dump_that_is_cut_off_anywhere_is_refused(small: Path, tmp_path: Path) -> None:
    sql, manifest = dumped(small)
    for end in range(0, len(sql), 7):
        assert "it is cut off" in refused(sql[:end], manifest, tmp_path / "back.sqlite")


def test_a_bit_that_flipped_is_noticed_wherever_it_is(small: Path, tmp_path: Path) -> None:
    sql, manifest = dumped(small)
    random = Random(7)
    for _ in range(60):
        place = random.randrange(len(sql))
        flipped = bytearray(sql)
        flipped[place] ^= 1 << random.randrange(8)
        assert "SHA-256" in refused(bytes(flipped), manifest, tmp_path / "back.sqlite")


def test_a_dump_of_another_stage_is_refused_even_with_its_own_manifest(small: Path, tmp_path: Path) -> None:
    sql, manifest = dumped(small, source="production/main")
    assert "of production/main, not of staging/main" in refused(sql, manifest, tmp_path / "back.sqlite")
    other, _ = dumped(made(tmp_path / "other.sqlite", generated(3)))
    assert "another one" in refused(other, replace(manifest, source=SOURCE), tmp_path / "back.sqlite")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM words WHERE id = 2", "table words: 2 rows, not 3"),
        ("UPDATE words SET n = 1 WHERE id = 2", "table words, column n: 2 of the type integer, not 1"),
        (
            "UPDATE words SET word = 'lights' WHERE id = 2",
            "table words, column word: 16 bytes of text and blobs, not 15",
        ),
        ("UPDATE words SET n = 9007199254740993 WHERE id = 1", "table words, column n: other integers"),
        ("UPDATE words SET word = 'night' WHERE id = 2", "not the same values"),
        ("UPDATE words SET n = 1.25 WHERE id = 2", "not the same values"),
        ("UPDATE words SET word = CASE id WHEN 2 THEN 'quay' WHEN 3 THEN 'light' ELSE word END", "not the same values"),
        ("CREATE INDEX by_word ON words (word)", "the schema is another one"),
        ("CREATE TABLE more (v)", "table more: not in the dump"),
        ("DROP TABLE words", "table words: missing"),
    ],
)
def test_what_was_changed_after_a_load_is_told_without_its_content(
    change: str, told: str, small: Path, connection: sqlite3.Connection
) -> None:
    _, manifest = dumped(small)
    connection.execute(change)
    assert any(told in each for each in differences(asking(connection), manifest))


def test_a_dump_with_a_nul_in_it_is_refused_like_any_other_damage(small: Path, tmp_path: Path) -> None:
    sql, manifest = dumped(small)
    assert "it is damaged" in refused(sql.replace(b"harbor", b"har\0or"), manifest, tmp_path / "back.sqlite")


def test_rows_in_another_order_are_the_same_rows(tmp_path: Path) -> None:
    rows = ["('b', 1, 2)", "('a', 2, NULL)", "('a', 2, NULL)"]
    form = "CREATE TABLE t (rowid, _rowid_, oid)"  # so that no rowid tells their order
    one = made(tmp_path / "one.sqlite", [form, *(f"INSERT INTO t VALUES {each}" for each in rows)])
    two = made(tmp_path / "two.sqlite", [form, *(f"INSERT INTO t VALUES {each}" for each in rows[::-1])])
    assert dumped(one)[0] != dumped(two)[0]
    assert dumped(one)[1].tables == dumped(two)[1].tables


def test_a_manifest_is_read_as_it_was_written(nasty: Path) -> None:
    _, manifest = dumped(nasty)
    assert parsed(manifest.text()) == manifest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda said: said.update(format=2), "format 2 is not known"),
        (lambda said: said.update(consistent=False), "it is not what it was"),
        (lambda said: said.update(migrations=["0001_other.sql"]), "it is not what it was"),
        (lambda said: said.update(at="2026-11-30T00:00:00+00:00"), "it is not what it was"),
        (lambda said: said.pop("digest"), "damaged"),
        (lambda said: said.pop("sha256"), "damaged"),
        (lambda said: said.pop("tables"), "damaged"),
        (lambda said: said.update(more=1), "damaged"),
        (lambda said: said.update(bookmarks=[]), "damaged"),
        (lambda said: said.update(seconds=None), "damaged"),
    ],
)
def test_a_manifest_that_is_none_is_refused(change: Callable[[dict[str, Any]], object], told: str, small: Path) -> None:
    said = json.loads(dumped(small)[1].text())
    change(said)
    with pytest.raises(Unreadable, match=told):
        parsed(json.dumps(said))
    with pytest.raises(Unreadable, match="damaged"):
        parsed(json.dumps(said)[:-9])


def test_a_dump_is_of_one_moment_only_when_nothing_was_written(connection: sqlite3.Connection) -> None:
    bookmarks = iter(["1", "1", "1", "2"])
    made_of = [dump(asking(connection), len, source=SOURCE, bookmark=lambda: next(bookmarks)) for _ in range(2)]
    assert [each.is_consistent for each in made_of] == [True, False]
    assert not dump(asking(connection), len, source=SOURCE).is_consistent, "nobody asked for a bookmark"


def between(query: Query, connection: sqlite3.Connection, place: str, change: str) -> Query:
    """Let somebody change the database once, just before it is asked something that has ``place`` in it."""
    left = [change]

    def asked(sql: str) -> Sequence[Sequence[Any]]:
        if place in sql and left:
            connection.execute(left.pop())
        return list(query(sql))

    return asked


def test_a_table_that_is_written_to_while_it_is_read_is_named(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST", 1)
    bookmarks = iter("12")
    query = between(asking(connection), connection, '("id") > (1)', "UPDATE words SET word = 'later' WHERE id = 3")
    found = dump(query, len, source=SOURCE, bookmark=lambda: next(bookmarks))
    assert (found.fuzzy, found.is_consistent) == (("words",), False)


def test_rows_that_are_left_out_although_nobody_wrote_stop_the_dump(connection: sqlite3.Connection) -> None:
    query = asking(connection)

    def lossy(sql: str) -> Sequence[Sequence[Any]]:
        return [row for row in query(sql) if row[:1] != ("i2",)]

    with pytest.raises(DumpFailed, match="not what the database counts, and nothing was written: words"):
        dump(lossy, len, source=SOURCE, bookmark=lambda: "same")


def test_a_schema_that_changes_meanwhile_stops_the_dump(connection: sqlite3.Connection) -> None:
    query = between(asking(connection), connection, 'FROM "words"', "CREATE TABLE more (v)")
    with pytest.raises(DumpFailed, match="schema was changed meanwhile"):
        dump(query, len, source=SOURCE)


def test_a_long_value_that_changes_between_its_pieces_is_read_again(
    connection: sqlite3.Connection, small: Path, tmp_path: Path
) -> None:
    connection.execute("UPDATE words SET word = hex(zeroblob(400000)) WHERE id = 2")
    change = "UPDATE words SET word = replace(hex(zeroblob(300000)), '0', '1') WHERE id = 2"
    written = io.BytesIO()
    found = dump(between(asking(connection), connection, ", 500001, ", change), written.write, source=SOURCE)
    assert found.fuzzy == ("words",)
    into_file(io.BytesIO(written.getvalue()), found, tmp_path / "back.sqlite", source=SOURCE)
    assert contents(tmp_path / "back.sqlite") == contents(small)


def test_a_damaged_dump_is_told_apart_while_it_is_read() -> None:
    assert list(statements([b"SELECT 1;\n", b"SELECT 'a\n", b"b;\n", b"';\n"])) == [
        "SELECT 1;\n",
        "SELECT 'a\nb;\n';\n",
    ]
    with pytest.raises(LoadFailed, match="cut off within a statement"):
        list(statements([b"SELECT 1;\n", b"SELECT 'a\n"]))
    with pytest.raises(LoadFailed, match="not UTF-8"):
        list(statements([b"SELECT '\xff';\n"]))
