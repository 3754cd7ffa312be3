"""Two databases are compared by table and row, whatever their keys are, and no value is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bulkhead.operations.backups.differences import Difference, Row, differences
from tests.support.d1_databases import NASTY, SEARCHED, generated, made

BEFORE = (
    "CREATE TABLE a (id INTEGER PRIMARY KEY, v, w TEXT COLLATE NOCASE)",
    "INSERT INTO a VALUES (1, 1, 'x'), (2, 'two', 'y'), (3, NULL, 'z'), (4, X'00', NULL)",
    "CREATE TABLE keyed (k TEXT COLLATE NOCASE, n INT, v, PRIMARY KEY (k, n)) WITHOUT ROWID",
    "INSERT INTO keyed VALUES ('a', 1, 'old'), ('b', 1, 'same')",
    "CREATE TABLE hidden (rowid, oid, _rowid_)",
    "INSERT INTO hidden VALUES (1, 2, 3), (1, 2, 3), ('a', NULL, 3)",
    "CREATE TABLE gone (v)",
    "INSERT INTO gone VALUES (1), (2)",
    "CREATE INDEX by_v ON a (v)",
    "CREATE VIEW seen AS SELECT 1",
)


def compared(
    tmp_path: Path, changes: Sequence[str], shown: int = 9, before: Sequence[str] = BEFORE
) -> list[Difference]:
    old = made(tmp_path / "old ? #.sqlite", before)
    new = made(tmp_path / "new.sqlite", [*before, *changes])
    return list(differences(old, new, shown))


@pytest.mark.parametrize("database", [BEFORE, NASTY, SEARCHED, *map(generated, range(5))])
def test_a_database_does_not_differ_from_itself(database: Sequence[str], tmp_path: Path) -> None:
    assert compared(tmp_path, (), before=[each for each in database if "random" not in each]) == []


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ("UPDATE a SET v = 1.0 WHERE id = 1", ("v",)),
        ("UPDATE a SET v = '1' WHERE id = 1", ("v",)),
        ("UPDATE a SET w = 'X' WHERE id = 1", ("w",)),
        ("UPDATE a SET v = NULL, w = NULL WHERE id = 1", ("v", "w")),
        ("UPDATE a SET v = 9007199254740993 WHERE id = 1", ("v",)),
    ],
)
def test_a_value_that_changed_is_told_by_its_row_and_column(
    change: str, columns: tuple[str, ...], tmp_path: Path
) -> None:
    assert compared(tmp_path, [change]) == [
        Difference("a", changed=1, key=("id",), rows=(Row("changed", (1,), columns),))
    ]


def test_rows_that_came_and_went_are_named_by_their_key(tmp_path: Path) -> None:
    changes = ("DELETE FROM a WHERE id IN (2, 3)", "INSERT INTO a VALUES (7, 7, 7)")
    (found,) = compared(tmp_path, changes)
    assert (found.added, found.removed, found.changed) == (1, 2, 0)
    assert found.rows == (Row("added", (7,)), Row("removed", (2,)), Row("removed", (3,)))


def test_a_key_is_compared_as_the_table_compares_it(tmp_path: Path) -> None:
    changes = ("DELETE FROM keyed WHERE k = 'a'", "INSERT INTO keyed VALUES ('A', 1, 'old'), ('a', 2, 'new')")
    (found,) = compared(tmp_path, changes)
    assert (found.added, found.removed, found.changed) == (1, 0, 1)
    assert found.rows == (Row("added", ("a", 2)), Row("changed", ("a", 1), ("k",)))


def test_rows_without_a_name_are_counted(tmp_path: Path) -> None:
    changes = ("INSERT INTO hidden VALUES (1, 2, 3), (9, 9, 9)", "DELETE FROM hidden WHERE oid IS NULL")
    (found,) = compared(tmp_path, changes)
    assert (found.added, found.removed, found.changed) == (2, 1, 0)
    assert "have no key" in found.note


def test_what_is_made_otherwise_is_told_too(tmp_path: Path) -> None:
    changes = (
        "DROP TABLE gone",
        "CREATE TABLE new (v)",
        "INSERT INTO new VALUES (1)",
        "ALTER TABLE a ADD COLUMN more",
        "DROP INDEX by_v",
        "DROP VIEW seen",
        "CREATE VIEW seen AS SELECT 2",
    )
    found = {(each.table, each.note): each for each in compared(tmp_path, changes)}
    assert sorted(found) == [
        ("a", "columns new: more"),
        ("a", "the table is made by other SQL"),
        ("by_v", "the index is gone"),
        ("gone", "is gone"),
        ("new", "is new"),
        ("seen", "the view is made by other SQL"),
    ]
    assert found["gone", "is gone"].removed == 2
    assert found["new", "is new"].added == 1


def test_all_rows_are_counted_and_few_are_named(tmp_path: Path) -> None:
    counted = "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 5009)"
    (found,) = compared(tmp_path, [f"INSERT INTO a {counted} SELECT i, i, i FROM n"], shown=3)
    assert found.added == 5000
    assert found.rows == (Row("added", (10,)), Row("added", (11,)), Row("added", (12,)))
