"""An index of texts comes back with the rows that it had, and not with all that its table has."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jobs.d1 import texts
from jobs.d1.load import into_file
from tests.support.d1_databases import SOURCE, dumped, made

# The usual way to keep what is deleted softly, or not public yet, out of a search: a condition in the triggers.
HIDING = (
    'CREATE TABLE "the notes" (id INTEGER PRIMARY KEY, title TEXT, body TEXT, deleted INTEGER DEFAULT 0)',
    "CREATE VIRTUAL TABLE search USING fts5(title, body, content = \"the notes\", content_rowid='id')",
    """CREATE TRIGGER hide AFTER UPDATE OF deleted ON "the notes" WHEN new.deleted BEGIN
       INSERT INTO search (search, rowid, title, body) VALUES ('delete', old.id, old.title, old.body); END""",
    """CREATE TRIGGER show AFTER INSERT ON "the notes" WHEN NOT new.deleted BEGIN
       INSERT INTO search (rowid, title, body) VALUES (new.id, new.title, new.body); END""",
    """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
       INSERT INTO "the notes" (id, title, body, deleted)
       SELECT i * 9007199254740993 / 7, 'harbor', NULL, i % 3 = 0 FROM n""",
    'UPDATE "the notes" SET deleted = 1 WHERE id % 5 = 0',
)


def found(file: Path, word: str = "harbor") -> list[int]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT rowid FROM search (?) ORDER BY rowid", (word,))]


def back(source: Path, tmp_path: Path) -> Path:
    sql, manifest = dumped(source)
    into_file(io.BytesIO(sql), manifest, tmp_path / "back.sqlite", source=SOURCE)
    return tmp_path / "back.sqlite"


@pytest.mark.parametrize("page", [1, 7, texts._PAGE])
def test_what_a_search_does_not_show_it_does_not_show_after_a_restore(
    page: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "_PAGE", page)
    source = made(tmp_path / "source.sqlite", HIDING)
    assert 0 < len(found(source)) < 40
    assert found(back(source, tmp_path)) == found(source)


def test_an_index_that_keeps_no_sizes_has_all(tmp_path: Path) -> None:
    plain = (
        "CREATE TABLE t (title)",
        "CREATE VIRTUAL TABLE search USING fts5(title, content=t, columnsize=0)",
        "INSERT INTO t VALUES ('harbor'), ('light')",
        "INSERT INTO search (search) VALUES ('rebuild')",
    )
    assert found(back(made(tmp_path / "source.sqlite", plain), tmp_path)) == [1]


def test_an_index_that_is_full_is_only_filled(tmp_path: Path) -> None:
    plain = (
        "CREATE TABLE t (title)",
        "CREATE VIRTUAL TABLE search USING fts5(title, content='t')",
        "INSERT INTO t VALUES ('harbor'), ('light')",
        "INSERT INTO search (search) VALUES ('rebuild')",
    )
    sql, _ = dumped(made(tmp_path / "source.sqlite", plain))
    assert b"rebuild" in sql
    assert b"'delete'" not in sql
