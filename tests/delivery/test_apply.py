"""Migrations are applied over the API: each once, as a whole or not at all, and noted down where wrangler looks."""

from __future__ import annotations

import pytest

from bulkhead.clients.d1 import D1, find
from bulkhead.clients.refusals import ApiRefused
from bulkhead.delivery.migrations.run import apply, baseline, note
from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused
from tests.support.cloudflare_api import ACCOUNT
from tests.support.migrations import Migrations

QUERY = "/accounts/{account_id}/d1/database/{database_id}/query"
PARENT = "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);"
CHILD = "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent(id) ON DELETE {action});"
ROWS = "INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (1, 1), (2, 2);"
REBUILT = """PRAGMA foreign_keys=OFF;
CREATE TABLE __new_parent (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'nobody');
INSERT INTO __new_parent SELECT id, name FROM parent;
DROP TABLE parent;
ALTER TABLE __new_parent RENAME TO parent;
PRAGMA foreign_keys=ON;"""


def test_each_file_is_applied_once_in_the_order_of_the_numbers(migrations: Migrations) -> None:
    migrations.write("10_none.sql", "-- nothing to do yet")
    migrations.write("2_b.sql", "INSERT INTO a VALUES ('it''s; b');\n-- the end")
    migrations.write("0001_a's.sql", "CREATE TABLE a (x);")
    migrations.write("README.md", "no migration")
    assert migrations.apply() == ["0001_a's.sql", "2_b.sql", "10_none.sql"]
    assert migrations.apply() == []
    assert migrations.column("SELECT x FROM a") == ["it's; b"]
    assert migrations.applied() == ["0001_a's.sql", "2_b.sql", "10_none.sql"]


def test_a_file_that_fails_leaves_nothing_is_named_and_stops_the_rest(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x);")
    migrations.write("0002_b.sql", "INSERT INTO a VALUES (2); INSERT INTO nowhere VALUES (1);")
    migrations.write("0003_c.sql", "CREATE TABLE c (x);")
    with pytest.raises(Failed, match=r"migration 0002_b\.sql of database main failed, and left nothing") as caught:
        migrations.apply()
    assert caught.value.details == ("no such table: nowhere: SQLITE_ERROR",)
    assert migrations.column("SELECT x FROM a") == []
    assert migrations.applied() == ["0001_a.sql"]
    migrations.write("0002_b.sql", "INSERT INTO a VALUES (2);")
    assert migrations.apply() == ["0002_b.sql", "0003_c.sql"]


@pytest.mark.parametrize(
    "other", [b"CREATE TABLE a (\r\n x);\r\n", b"\xef\xbb\xbfCREATE TABLE a (\n x)", b"CREATE TABLE a (\n x);\n\n"]
)
def test_line_ends_a_byte_order_mark_and_the_last_semicolon_make_no_other_file(
    migrations: Migrations, other: bytes
) -> None:
    migrations.write("0001_a.sql", other)
    assert migrations.apply() == ["0001_a.sql"]
    migrations.write("0001_a.sql", "CREATE TABLE a (\n x);")
    assert migrations.apply() == []


def test_a_last_statement_without_a_semicolon_that_ends_in_a_comment_is_applied(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x) -- the first")
    assert migrations.apply() == ["0001_a.sql"]


def test_an_applied_file_that_was_changed_is_refused_and_nothing_is_applied(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x);")
    migrations.apply()
    migrations.write("0001_a.sql", "CREATE TABLE a (x, y);")
    migrations.write("0002_b.sql", "CREATE TABLE b (x);")
    with pytest.raises(Refused) as caught:
        migrations.apply()
    (fault,) = caught.value.faults
    assert fault.file.endswith("0001_a.sql")
    assert "changed after it was applied" in fault.message
    assert migrations.applied() == ["0001_a.sql"]


def test_an_applied_file_that_was_renamed_is_not_applied_again(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "INSERT INTO a VALUES (1);")
    migrations.run("CREATE TABLE a (x);")
    migrations.apply()
    (migrations.folder / "0001_a.sql").rename(migrations.folder / "0001_words.sql")
    with pytest.raises(Refused, match=r"was applied as 0001_a\.sql"):
        migrations.apply()
    assert migrations.column("SELECT x FROM a") == [1]


def test_what_another_tool_applied_is_not_applied_again_and_may_not_change_from_then_on(migrations: Migrations) -> None:
    table = "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP);"
    migrations.run(f"{table} INSERT INTO d1_migrations (name) VALUES ('0001_a.sql'); CREATE TABLE a (x);")  # noqa: S608 - made up
    migrations.write("0001_a.sql", "CREATE TABLE a (x);")
    migrations.write("0002_b.sql", "CREATE TABLE b (x);")
    assert [each.name for each in migrations.plan().unsummed] == ["0001_a.sql"]
    assert migrations.apply() == ["0002_b.sql"]
    migrations.write("0001_a.sql", "CREATE TABLE a (x, y);")
    assert migrations.plan().faults


def test_a_file_whose_answer_was_lost_is_looked_for_and_not_applied_again(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x); INSERT INTO a VALUES (1);")
    plan = migrations.plan()
    migrations.api.fail(PlannedFault("POST", QUERY, Failing.AFTER))
    assert apply(migrations.database, plan) == ["0001_a.sql"]
    assert migrations.column("SELECT x FROM a") == [1]


def test_a_run_that_another_one_overtakes_goes_on(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x);")
    migrations.write("0002_b.sql", "CREATE TABLE b (x);")
    plan = migrations.plan()
    migrations.apply()
    assert apply(migrations.database, plan) == ["0001_a.sql", "0002_b.sql"]
    assert migrations.applied() == ["0001_a.sql", "0002_b.sql"]


def test_a_database_that_is_not_there_is_no_fault_of_a_file(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x);")
    migrations.database = D1(migrations.database.api, ACCOUNT, "none", "none")
    with pytest.raises(ApiRefused, match="7404"):
        migrations.apply()


def test_a_database_is_found_by_its_whole_name_only(migrations: Migrations) -> None:
    assert find(migrations.database.api, ACCOUNT, "main") == migrations.database
    assert find(migrations.database.api, ACCOUNT, "mai") is None


@pytest.mark.parametrize("first", ["", "PRAGMA ignore_check_constraints = ON;"])
@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_rebuild_that_would_take_the_rows_of_children_is_rolled_back(
    migrations: Migrations, action: str, first: str
) -> None:
    migrations.write("0001_a.sql", PARENT + CHILD.format(action=action))
    migrations.apply()
    migrations.run(ROWS)
    before = migrations.column("SELECT parent FROM child")
    migrations.write("0002_b.sql", first + REBUILT)
    (planned,) = migrations.plan().pending
    assert [*planned.rows.values()] == [2]
    with pytest.raises(Failed) as caught:
        migrations.apply()
    assert f"child references parent with ON DELETE {action}" in caught.value.details[0]
    assert migrations.column("SELECT parent FROM child") == before
    assert migrations.applied() == ["0001_a.sql"]
    assert migrations.column("SELECT count(*) FROM sqlite_master WHERE name LIKE 'bulkhead%'") == [0]


BACK = "INSERT OR REPLACE INTO child SELECT * FROM kept;"


@pytest.mark.parametrize("back", [BACK, f"DELETE FROM child; {BACK}"])  # noqa: S608 - made up
@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_rebuild_that_puts_the_rows_of_children_back_is_applied(
    migrations: Migrations, action: str, back: str
) -> None:
    migrations.write("0001_a.sql", PARENT + CHILD.format(action=action))
    migrations.apply()
    migrations.run(ROWS)
    migrations.write("0002_b.sql", f"CREATE TABLE kept AS SELECT * FROM child; {REBUILT} {back} DROP TABLE kept;")  # noqa: S608 - made up
    assert migrations.apply() == ["0002_b.sql"]
    assert migrations.column("SELECT parent FROM child") == [1, 2]


def test_a_rebuild_that_foreign_keys_stop_says_that_d1_enforces_them(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", PARENT + CHILD.format(action="RESTRICT"))
    migrations.apply()
    migrations.run(ROWS)
    migrations.write("0002_b.sql", REBUILT)
    with pytest.raises(Failed, match="whatever PRAGMA foreign_keys says"):
        migrations.apply()
    assert migrations.column("SELECT count(*) FROM child") == [2]


def test_a_rebuild_without_rows_in_children_is_applied(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", PARENT + CHILD.format(action="CASCADE"))
    migrations.write("0002_b.sql", REBUILT)
    assert migrations.apply() == ["0001_a.sql", "0002_b.sql"]


def test_children_that_go_in_the_same_file_are_not_missed(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", PARENT + CHILD.format(action="CASCADE") + ROWS)
    migrations.write("0002_b.sql", "DROP TABLE parent; DROP TABLE child;")
    assert migrations.apply() == ["0001_a.sql", "0002_b.sql"]


def test_a_rebuild_that_copies_only_some_rows_is_rolled_back(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", f"{PARENT} INSERT INTO parent VALUES (1, 'a'), (2, NULL);")  # noqa: S608 - made up
    migrations.apply()
    migrations.write("0002_b.sql", REBUILT.replace("FROM parent;", "FROM parent WHERE name IS NOT NULL;"))
    with pytest.raises(Failed, match="not all of its rows are copied"):
        migrations.apply()
    assert migrations.column("SELECT count(*) FROM parent") == [2]
    deleting = "DELETE FROM parent WHERE name IS NULL;"
    migrations.write("0002_b.sql", f"{deleting} {REBUILT}")
    assert migrations.apply() == ["0002_b.sql"]


def test_a_baseline_notes_down_what_the_database_has_and_no_more(migrations: Migrations) -> None:
    migrations.run(f"{PARENT} CREATE INDEX names ON parent (name);")
    migrations.write("0001_a.sql", PARENT)
    migrations.write("0002_b.sql", "CREATE INDEX names ON parent(name)")
    migrations.write("0003_c.sql", "CREATE TABLE c (x);")
    had = baseline(migrations.database, migrations.read(), "migrations")
    assert [each.name for each in had] == ["0001_a.sql", "0002_b.sql"]
    note(migrations.database, had)
    assert migrations.apply() == ["0003_c.sql"]
    assert migrations.applied() == ["0001_a.sql", "0002_b.sql", "0003_c.sql"]
    migrations.write("0001_a.sql", f"-- formatted anew\n{PARENT}")
    assert migrations.plan().faults
    note(migrations.database, baseline(migrations.database, migrations.read(), "migrations"))
    assert not migrations.plan().faults
    assert migrations.applied() == ["0001_a.sql", "0002_b.sql", "0003_c.sql"]


@pytest.mark.parametrize("there", ["CREATE TABLE parent (id INTEGER PRIMARY KEY);", ""])
def test_a_baseline_of_another_schema_is_refused(migrations: Migrations, there: str) -> None:
    migrations.write("0001_a.sql", PARENT)
    if there:
        migrations.run(there)
    with pytest.raises(Refused, match="has a schema which no number of the files makes"):
        baseline(migrations.database, migrations.read(), "migrations")
