"""A database comes out of its dump as it went in: every value, type, rowid, counter and line of its schema."""

from __future__ import annotations

import io
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jobs.d1 import pages
from jobs.d1.load import LoadFailed, asking, differences, into_file, statements
from jobs.d1.schema import DumpFailed
from tests.support.d1_databases import SEARCHED, SOURCE, contents, dumped, generated, made

FAST = b"PRAGMA synchronous = OFF;\n"


@pytest.mark.parametrize("most", [1, 2, 5_000])
def test_a_nasty_database_comes_back_value_for_value(
    most: int, nasty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST", most)
    sql, manifest = dumped(nasty)
    into_file(io.BytesIO(sql), manifest, tmp_path / "back.sqlite", source=SOURCE)
    assert contents(tmp_path / "back.sqlite") == contents(nasty)
    assert dumped(tmp_path / "back.sqlite")[1].tables == manifest.tables


def test_every_statement_is_one_that_d1_takes(nasty: Path) -> None:
    sql, _ = dumped(nasty)
    found = list(statements(io.BytesIO(sql)))
    assert max(len(each.encode()) for each in found) <= 100_000
    assert "".join(found).encode() == sql
    assert b"\r" not in sql
    assert b"\0" not in sql
    assert b"BEGIN TRANSACTION" not in sql
    assert b"'a;\n" not in sql, "whoever looks for the end of a statement would look at a long text again and again"


def test_the_sqlite3_command_loads_a_dump(nasty: Path, tmp_path: Path) -> None:
    command = shutil.which("sqlite3")
    if command is None:
        pytest.skip("there is no sqlite3 command here")
    sql, manifest = dumped(nasty)
    subprocess.run([command, "-bail", tmp_path / "back.sqlite"], input=FAST + sql, check=True)
    with closing(sqlite3.connect(tmp_path / "back.sqlite")) as connection:
        assert differences(asking(connection), manifest) == []
    assert contents(tmp_path / "back.sqlite") == contents(nasty)


def test_python_loads_a_dump_as_a_script(nasty: Path, tmp_path: Path) -> None:
    sql, manifest = dumped(nasty)
    with closing(sqlite3.connect(tmp_path / "back.sqlite")) as connection:
        connection.executescript((FAST + sql).decode())
        assert differences(asking(connection), manifest) == []


@pytest.mark.parametrize("seed", range(40))
def test_a_database_made_by_chance_comes_back(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST", seed % 7 + 1)
    source = made(tmp_path / "source.sqlite", generated(seed))
    sql, manifest = dumped(source)
    into_file(io.BytesIO(sql), manifest, tmp_path / "back.sqlite", source=SOURCE)
    assert contents(tmp_path / "back.sqlite") == contents(source)


def test_a_table_wider_than_an_answer_comes_back(tmp_path: Path) -> None:
    columns = [f"c{number}" for number in range(250)]
    rows = [", ".join(str(row * column) for column in range(250)) for row in range(9)]
    source = made(
        tmp_path / "wide.sqlite",
        [
            f"CREATE TABLE wide ({', '.join(columns)}, PRIMARY KEY (c240, c3)) WITHOUT ROWID",
            *(f"INSERT INTO wide VALUES ({each})" for each in rows),
        ],
    )
    sql, manifest = dumped(source)
    with closing(sqlite3.connect(source)) as connection:
        query = asking(connection)

        def narrow(sql: str) -> list[Sequence[Any]]:
            rows = list(query(sql))
            assert max(map(len, rows), default=0) <= 100
            return rows

        assert differences(narrow, manifest) == []
    into_file(io.BytesIO(sql), manifest, tmp_path / "back.sqlite", source=SOURCE)
    assert contents(tmp_path / "back.sqlite") == contents(source)


def test_an_index_of_texts_is_filled_and_set_up_again(tmp_path: Path) -> None:
    source = made(tmp_path / "source.sqlite", SEARCHED)
    sql, manifest = dumped(source)
    into_file(io.BytesIO(sql), manifest, tmp_path / "back.sqlite", source=SOURCE)
    for asked in (
        "SELECT rowid, * FROM found ORDER BY rowid",
        "SELECT rowid FROM found WHERE found MATCH 'light' ORDER BY rank",
        "SELECT rowid FROM index_of_pages WHERE index_of_pages MATCH 'light'",
        "SELECT * FROM found_config",
        "SELECT * FROM vocabulary",
    ):
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(tmp_path / "back.sqlite")) as new:
            rows = old.execute(asked).fetchall()
            assert rows
            assert new.execute(asked).fetchall() == rows


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE VIRTUAL TABLE bare USING fts5(title, content='')", "bare: it has no content"),
        ("CREATE VIRTUAL TABLE area USING rtree(id, x0, x1)", "area: rows of the module rtree"),
    ],
)
def test_a_virtual_table_whose_rows_cannot_be_read_is_refused_by_name(
    statement: str, reason: str, tmp_path: Path
) -> None:
    try:
        source = made(tmp_path / "source.sqlite", [statement])
    except sqlite3.OperationalError as error:
        pytest.skip(str(error))
    with pytest.raises(DumpFailed, match=reason):
        dumped(source)


def test_a_load_writes_over_nothing(nasty: Path, tmp_path: Path) -> None:
    sql, manifest = dumped(nasty)
    (tmp_path / "mine.sqlite").write_text("mine")
    with pytest.raises(LoadFailed, match="exists"):
        into_file(io.BytesIO(sql), manifest, tmp_path / "mine.sqlite", source=SOURCE)
    assert (tmp_path / "mine.sqlite").read_text() == "mine"
