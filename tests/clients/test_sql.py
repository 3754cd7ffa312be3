"""A text of SQL is divided as SQLite divides it."""

from __future__ import annotations

import pytest

from bulkhead.clients.sql import divided, statements

TRIGGER = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM b; END;"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ;\n-- a; b\n/* c; */ ;", []),
        ("SELECT 1; SELECT 2", ["SELECT 1;", "SELECT 2"]),
        ("SELECT 1; -- the end; really", ["SELECT 1;"]),
        ("-- first\nSELECT 1", ["-- first\nSELECT 1"]),
        ("""SELECT 'a;''b;', "c;", [d;], `e;`; SELECT 2""", ["""SELECT 'a;''b;', "c;", [d;], `e;`;""", "SELECT 2"]),
        ("SELECT /* ; */ 1; SELECT 2;", ["SELECT /* ; */ 1;", "SELECT 2;"]),
        (f"{TRIGGER} SELECT 1", [TRIGGER, "SELECT 1"]),
        ("SELECT 'open; SELECT 2", ["SELECT 'open; SELECT 2"]),
        ("SELECT 'a\0;b'; SELECT 2", ["SELECT 'a\0;b';", "SELECT 2"]),
    ],
)
def test_a_semicolon_ends_a_statement_only_where_sqlite_says_so(text: str, expected: list[str]) -> None:
    assert statements(text) == expected


def test_what_is_too_long_for_a_statement_does_not_take_for_ever() -> None:
    assert statements(f"SELECT '{';' * 100_001}")[0].startswith("SELECT '")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "INSERT INTO t (a, b) VALUES ('x),(', 1), (2, (3)), -- c\n (4, \"values\");",
            ["INSERT INTO t (a, b) VALUES('x),(', 1),(2, (3));", "INSERT INTO t (a, b) VALUES(4, \"values\");"],
        ),
        ("replace into t values (1, 'äää'),(2, 'äää'),(3, 'äää');", ["replace into t values(1, 'äää'),(2, 'äää');",
                                                                     "replace into t values(3, 'äää');"]),
    ],
)  # fmt: skip
def test_an_insert_of_many_rows_is_divided_between_rows(text: str, expected: list[str]) -> None:
    assert divided(text, 50) == expected
    assert all(len(each.encode()) <= 50 for each in expected)


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES (1, 1), (2, (SELECT max(a) FROM t)), (3, 3), (4, 4);",
        "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4) ON CONFLICT DO NOTHING;",
        "INSERT INTO t SELECT * FROM a_table_with_quite_a_long_name;",
        "INSERT INTO t VALUES (1), ('one row that is too long by itself for this');",
        "UPDATE t SET a = 1 WHERE a IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);",
    ],
)
def test_what_would_not_come_to_the_same_is_not_divided(text: str) -> None:
    assert divided(text, 50) == [text]
