"""What a migration takes away from running code is seen by running it, whatever words it is written in."""

from __future__ import annotations

import pytest

from bulkhead.delivery.migrations.copy import Copy, Made, Uncopied
from bulkhead.delivery.migrations.effects import Effect
from bulkhead.delivery.migrations.files import Migration

BEFORE = """
CREATE TABLE members (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, age INT DEFAULT 1);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, member INTEGER REFERENCES members(id), note VARCHAR(20));
CREATE TABLE aside (x, y);
CREATE INDEX by_note ON bookings (note);
CREATE UNIQUE INDEX by_member ON bookings (member);
CREATE VIEW notes AS SELECT note FROM bookings;
CREATE TRIGGER touched AFTER INSERT ON bookings BEGIN DELETE FROM found; END;
CREATE VIRTUAL TABLE found USING fts5(note);
"""
COLUMNS = "id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, age INT DEFAULT 1"


def effect_of(sql: str, before: str = BEFORE) -> Effect:
    copy = Copy()
    assert not copy.run(Migration("0001.sql", before)).failure
    return copy.run(Migration("0002.sql", sql))


def kinds(sql: str) -> str:
    effect = effect_of(sql)
    assert not effect.failure
    return " ".join(sorted(effect.kinds))


def rebuilt(columns: str, copied: str = "id, name, email, age", table: str = "members") -> str:
    copy = f"INSERT INTO new ({copied}) SELECT {copied} FROM {table};" if copied else ""  # noqa: S608 - made up
    return f"CREATE TABLE new ({columns}); {copy} DROP TABLE {table}; ALTER TABLE new RENAME TO {table};"


def rebuilt_the_other_way(table: str = "aside", columns: str = "x, y, z") -> str:
    moved = f"ALTER TABLE {table} RENAME TO old; CREATE TABLE {table} ({columns});"
    return f"{moved} INSERT INTO {table} SELECT *, 1 FROM old; DROP TABLE old"  # noqa: S608 - made up


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE more (x INT NOT NULL, y INT REFERENCES members(id), CHECK (x > 1), UNIQUE (y)) STRICT",
        "ALTER TABLE members ADD COLUMN nick TEXT",
        "ALTER TABLE members ADD COLUMN nick TEXT NOT NULL DEFAULT 'x' CHECK (nick <> '')",
        "ALTER TABLE bookings ADD COLUMN host INTEGER REFERENCES members(id)",
        "ALTER TABLE members ADD COLUMN loud TEXT AS (upper(name))",
        "CREATE INDEX more ON members (age); CREATE VIEW v AS SELECT 1; DROP INDEX by_note",
        "CREATE TABLE t (x); CREATE UNIQUE INDEX u ON t (x)",
        "ALTER TABLE members ADD COLUMN code TEXT; CREATE UNIQUE INDEX codes ON members (code)",
        "CREATE UNIQUE INDEX more ON members (name, id)",  # no two rows have the same id
        rebuilt(f"{COLUMNS}, UNIQUE (age, email)"),
        "CREATE TRIGGER more AFTER DELETE ON members BEGIN DELETE FROM bookings WHERE member = old.id; END",
        "CREATE VIRTUAL TABLE more USING fts5(a)",
        "DROP INDEX by_member; CREATE UNIQUE INDEX by_the_member ON bookings (member)",
        rebuilt(COLUMNS + ", nick TEXT"),
        rebuilt(COLUMNS.replace("name TEXT NOT NULL", '"name" text')),
        rebuilt(COLUMNS.replace("age INT DEFAULT 1", "age INTEGER DEFAULT 2")),
        rebuilt_the_other_way(),
        rebuilt_the_other_way(columns="x, y").replace("*, 1", "*"),  # SQLite copies this without reading a column
    ],
)
def test_what_only_adds_is_an_expansion(sql: str) -> None:
    assert kinds(sql) == "expand"


@pytest.mark.parametrize(
    "sql",
    [
        'DROP TRIGGER touched; create trigger TOUCHED after insert on bookings begin delete from "found"; end',
        "DROP TABLE IF EXISTS never_there; CREATE TABLE IF NOT EXISTS members (x)",
        "PRAGMA foreign_keys = OFF; -- and no more",
    ],
)
def test_what_comes_to_the_same_is_nothing(sql: str) -> None:
    assert kinds(sql) == ""


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DROP TABLE members", "table members goes"),
        ('DROP TABLE main."members"', "table members goes"),
        ("DROP VIEW notes", "view notes goes"),
        ("DROP TRIGGER touched", "trigger touched goes"),
        ("DROP INDEX by_member", "ON CONFLICT"),
        ("DROP TABLE found", "table found goes"),
        ("ALTER TABLE members DROP COLUMN age", "column members.age goes"),
        ("ALTER TABLE members RENAME COLUMN age TO years", "column members.age is called years"),
        ('ALTER TABLE main."members" RENAME "AGE" TO Years', "column members.age is called Years"),
        ("ALTER TABLE members RENAME TO people", "table members is called people"),
        ("CREATE UNIQUE INDEX ages ON members (age)", "alike are refused"),
        ("CREATE UNIQUE INDEX ages ON members (age) WHERE age > 1", "alike are refused"),
        ("CREATE TRIGGER no BEFORE INSERT ON members BEGIN SELECT RAISE(ABORT, 'no'); END", "may refuse"),
        ("DROP VIEW notes; CREATE VIEW notes AS SELECT id AS note FROM bookings", "view notes does something else"),
        (rebuilt(COLUMNS.replace("age INT", "age TEXT")), "column members.age is TEXT"),
        (rebuilt(COLUMNS.replace("email TEXT", "email TEXT NOT NULL")), "takes no NULL any more"),
        (rebuilt(COLUMNS.replace("email TEXT UNIQUE", "email TEXT")), "unique no more"),
        (rebuilt(COLUMNS.replace("age INT DEFAULT 1", "age INT DEFAULT 1 UNIQUE")), "becomes unique"),
        (rebuilt(COLUMNS + ", CHECK (age > 1)"), "is checked: ( age > 1 )"),
        (rebuilt(COLUMNS + ", nick TEXT NOT NULL"), "without which no row is taken"),
        (rebuilt(COLUMNS + ", FOREIGN KEY (age) REFERENCES bookings (id)"), "references bookings"),
        (rebuilt(COLUMNS).replace(");", ") STRICT;", 1), "is strict"),
        (rebuilt(COLUMNS, "id, name, email"), "without what is in its column age"),
        (rebuilt(COLUMNS.replace("name TEXT", "name TEXT COLLATE NOCASE")), "compares as NOCASE, not BINARY"),
        ("CREATE UNIQUE INDEX e ON members (lower(name))", "alike are refused"),
        (rebuilt(COLUMNS, ""), "made anew without its rows"),
        (rebuilt_the_other_way("members", f"{COLUMNS}, nick"), "bookings(member) references old"),
    ],
)
def test_what_takes_something_away_is_a_contract(sql: str, says: str) -> None:
    effect = effect_of(sql)
    assert "contract" in effect.kinds
    assert any(says in finding.says for finding in effect.findings if finding.kind == "contract"), effect


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO members VALUES (1, 'a', NULL, 1)",
        "WITH some AS (SELECT 1 AS id) UPDATE members SET age = 2 WHERE id IN some",
        "DELETE FROM bookings WHERE member = (SELECT max(id) FROM members)",
        "REPLACE INTO members (id, name) VALUES (1, 'a')",
    ],
)
def test_what_touches_rows_that_were_there_is_data(sql: str) -> None:
    assert kinds(sql) == "data"


def test_rows_that_a_foreign_key_takes_along_are_told() -> None:
    said = [finding.says for finding in effect_of("DELETE FROM p WHERE id = 1", CASCADING).findings]
    assert said == ["rows are deleted from c", "rows are deleted from p"]


def test_rows_of_a_table_that_is_new_are_no_data(  # nothing that runs can have seen them
) -> None:
    assert kinds("CREATE TABLE t (x); INSERT INTO t VALUES (1); UPDATE t SET x = 2") == "expand"
    assert kinds("CREATE TABLE t (x); INSERT INTO t SELECT id FROM members") == "expand"


def test_rows_that_are_not_here_refuse_no_migration() -> None:
    sql = "INSERT INTO bookings (member, note) SELECT id, name FROM members; INSERT INTO members (id) VALUES (1)"
    assert kinds(sql) == "data"


@pytest.mark.parametrize(
    ("sql", "failure"),
    [
        ("CREATE TABLE t (x); INSERT INTO nowhere VALUES (1)", "statement 2: no such table: nowhere"),
        ("ALTER TABLE members DROP COLUMN nowhere", "statement 1: no such column"),
        ("ATTACH 'x.sqlite' AS x", "statement 1: D1 allows no transaction"),
        ("CREATE TEMP TABLE kept AS SELECT * FROM members", "statement 1: D1 allows no transaction"),
        ("BAD", "statement 1"),
    ],
)
def test_what_sqlite_refuses_is_told_and_changes_nothing(sql: str, failure: str) -> None:
    copy = Copy()
    copy.run(Migration("0001.sql", BEFORE))
    schema = copy.schema
    assert failure in copy.run(Migration("0002.sql", sql)).failure
    assert copy.schema == schema
    assert not copy.run(Migration("0002.sql", "CREATE TABLE t (x)")).failure


def test_a_copy_has_the_schema_of_the_original() -> None:
    original = Copy()
    original.run(Migration("0001.sql", BEFORE))
    rows = original._rows("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    assert Copy(Made(*row) for row in reversed(rows)).schema == original.schema
    with pytest.raises(Uncopied, match="no such module"):
        Copy([Made("table", "t", "CREATE VIRTUAL TABLE t USING nothing_(a)")])


CASCADING = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p(id) ON DELETE CASCADE);"
MOVED = "CREATE TABLE m (p INT); INSERT INTO m SELECT p FROM c; DROP TABLE c; ALTER TABLE m RENAME TO c; "
ANEW = "CREATE TABLE n (id INTEGER PRIMARY KEY, x); INSERT INTO n (id) SELECT id FROM p; DROP TABLE p; "


@pytest.mark.parametrize(
    ("sql", "counted"),
    [
        (f"{ANEW} ALTER TABLE n RENAME TO p", ["c"]),
        (f"{ANEW} ALTER TABLE n RENAME TO p; ALTER TABLE c RENAME TO d", ["c"]),
        ("PRAGMA legacy_alter_table = ON; ALTER TABLE p RENAME TO o; CREATE TABLE p (id INTEGER PRIMARY KEY);"
         "INSERT INTO p SELECT * FROM o; DROP TABLE o", ["c"]),
        ("ALTER TABLE p RENAME TO o; CREATE TABLE p (id INTEGER PRIMARY KEY);"
         "INSERT INTO p SELECT * FROM o; DROP TABLE o", ["c"]),
        (f"{ANEW} ALTER TABLE n RENAME TO p; DELETE FROM c", ["c"]),  # noqa: S608 - made up
        (f"{ANEW} ALTER TABLE n RENAME TO p; DROP TABLE c", []),
        ("DROP TABLE c; DROP TABLE p", []),
        (MOVED + ANEW + "ALTER TABLE n RENAME TO p", []),
    ],
)  # fmt: skip
def test_children_are_counted_where_a_drop_would_empty_them(sql: str, counted: list[str]) -> None:
    effect = effect_of(sql, CASCADING)
    assert not effect.failure
    assert [tally.table for tally in effect.tallies if not tally.own] == counted


def test_names_beyond_ascii_are_told_apart_as_sqlite_does() -> None:
    before = "CREATE TABLE Ä (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES Ä(id) ON DELETE CASCADE);"
    assert kinds_after(before, "CREATE TABLE ä (x)") == "expand"
    effect = effect_of("CREATE TABLE n (id INTEGER PRIMARY KEY); DROP TABLE Ä; ALTER TABLE n RENAME TO Ä", before)
    assert [tally.table for tally in effect.tallies] == ["c"]


def kinds_after(before: str, sql: str) -> str:
    return " ".join(sorted(effect_of(sql, before).kinds))
