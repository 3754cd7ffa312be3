"""A text of SQL is divided as SQLite divides it."""

from __future__ import annotations

import pytest

from bulkhead.clients.sql import statements

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
