"""Databases that are hard to copy, and what is in one, read without any of our code."""

# ruff: noqa: S311, S608 (chance protects nothing here, and every name is quoted)
from __future__ import annotations

import io
import math
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

from jobs.d1.dump import dump
from jobs.d1.load import asking
from jobs.d1.manifest import Manifest
from jobs.d1.packed import Packing

SOURCE: Final = "staging/main"
ODD_NAME: Final = "odd;\n-- \"name' 表"

# One transaction, as D1 runs it with its foreign keys on.
NASTY: Final = (
    "PRAGMA defer_foreign_keys=TRUE",
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, at TEXT DEFAULT 'a;b')",
    "INSERT INTO d1_migrations (name) VALUES ('0001_first.sql'), ('0002_second.sql')",
    # References: a child before its parent, a circle, and rows that reference rows of their own table.
    "CREATE TABLE member (id INTEGER PRIMARY KEY, team INTEGER NOT NULL REFERENCES Team (id), chief REFERENCES member)",
    "CREATE TABLE team (id INTEGER PRIMARY KEY, lead INTEGER REFERENCES member (id), name TEXT)",
    "INSERT INTO member VALUES (1, 10, 2), (2, 11, 1)",
    "INSERT INTO team VALUES (10, 1, 'ten'), (11, 2, NULL)",
    # Values of every type in columns of every affinity.
    "CREATE TABLE vals (id INTEGER PRIMARY KEY, a, t TEXT, r REAL, n NUMERIC, i INTEGER, b BLOB)",
    *(
        f"INSERT INTO vals (a, t, r, n, i, b) VALUES ({value}, {value}, {value}, {value}, {value}, {value})"
        for value in (
            "NULL", "0", "-0.0", "1.0", "0.1+0.2", "1.0/3", "5e-324", "1.7976931348623157e308", "9e999", "-9e999",
            "1e-300 / 3", "1e-310", "-1e300 / 7", "2.2250738585072014e-308", "1.0 / 7", "19.99", "1e22 / 3",
            "9007199254740991", "9007199254740993", "9223372036854775807", "-9223372036854775808", "1e15", "1e16",
            "9007199254740993.0", "1e21", "''", "'7'", "'7.0'", "'1e5'", "'it''s'", "X''", "X'00ff0a0d41'",
            "zeroblob(5)",
            "'a' || char(0) || 'b'", "char(0)", "'a' || char(13, 10) || 'b\\n'", "CAST(X'61ff62' AS TEXT)",
            "CAST(X'e38182c0' AS TEXT)", "CAST(X'eda080' AS TEXT)", "CAST(X'f09f98' AS TEXT)",
            "CAST(X'efbfbd' AS TEXT)",
            "CAST(X'efbbbf41' AS TEXT)", "char(128169, 8232, 65534)", "'; BEGIN TRANSACTION; COMMIT;'",
            "'a;' || char(10)",
            "'日本語' || char(10) || '.quit'", "'-- no comment'", "'/* none'", "'$1 ? :a @b'", "'x' || char(26, 127)",
        )
    ),
    "CREATE TABLE exact (id INTEGER PRIMARY KEY, v ANY, n INT) STRICT",
    "INSERT INTO exact VALUES (1, 1, 1), (2, '1', 2), (3, X'31', 3), (4, 1.0, NULL), (5, -0.0, 4), (6, 9e999, 5)",
    # Keys: counters, collations unlike the column's own, descending, none, NULL in one, no name for the rowid.
    "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
    "INSERT INTO counted (v) VALUES ('a'), ('b'), ('c')",
    "DELETE FROM counted WHERE id > 1",
    "CREATE TABLE emptied (id INTEGER PRIMARY KEY AUTOINCREMENT)",
    "INSERT INTO emptied VALUES (77)",
    "DELETE FROM emptied",
    """CREATE TABLE keyed (a TEXT COLLATE NOCASE, b, c TEXT, v,
       PRIMARY KEY (a COLLATE BINARY, b, c COLLATE NOCASE DESC)) WITHOUT ROWID""",
    "INSERT INTO keyed VALUES ('a', 1, 'x', 1), ('A', '1', 'x', 2), ('A', 1, 'X', 3), ('b', X'00', '', 4)",
    "INSERT INTO keyed VALUES ('B', 9007199254740993, CAST(X'ff' AS TEXT), 5), ('B', 9007199254740994, char(0), 6)",
    "INSERT INTO keyed VALUES ('B', 9e999, 'q', 7), ('B', -9e999, 'q''', 8), ('B', 0.5, 'r', 9)",
    "INSERT INTO keyed VALUES ('q', 2, 'y', 10), ('Q', 2, 'y', 11), ('r', 2, '', 12)",
    "CREATE TABLE mixed (k PRIMARY KEY, v) WITHOUT ROWID",
    "INSERT INTO mixed VALUES (5, 1), (-5, 2), ('4', 3), (char(0), 4), ('z' || char(13), 5), (X'00', 6), (X'', 7)",
    "CREATE TABLE down (id INTEGER PRIMARY KEY DESC, v)",
    "INSERT INTO down VALUES (2, 'b'), (NULL, 'null'), (1, 'a')",
    "CREATE TABLE loose (x TEXT, y)",
    "INSERT INTO loose VALUES ('same', 1), ('same', 1), (NULL, NULL), ('same', '1')",
    "DELETE FROM loose WHERE rowid = 1",
    "INSERT INTO loose (rowid, x) VALUES (-9223372036854775808, 'least'), (9223372036854775807, 'most')",
    'CREATE TABLE hidden (rowid TEXT, "_ROWID_", oid)',
    "CREATE INDEX by_hidden ON hidden (rowid)",
    "INSERT INTO hidden VALUES ('b', 1, 2), (hex(zeroblob(20000)), 3, 4), ('b', 1, 2)",
    "CREATE TABLE half_hidden (rowid TEXT, v)",
    "INSERT INTO half_hidden VALUES ('b', 1), ('a', 2)",
    "DELETE FROM half_hidden WHERE v = 1",
    # Columns.
    """CREATE TABLE made (id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) STORED,
       said TEXT AS ('x' || a) VIRTUAL, z TEXT CHECK (z <> 'no'))""",
    "INSERT INTO made (id, a, z) VALUES (1, 5, 'z'), (2, NULL, NULL)",
    f"CREATE TABLE hundred ({', '.join(f'c{number}' for number in range(100))})",
    f"INSERT INTO hundred VALUES ({', '.join(map(str, range(100)))}), ({', '.join(['hex(zeroblob(450))'] * 100)})",
    'CREATE TABLE "' + ODD_NAME.replace('"', '""') + '" ("col ""q""" TEXT, "select", [a b] INTEGER, `ti``ck`, "é;\n")',
    'INSERT INTO "' + ODD_NAME.replace('"', '""') + "\" VALUES ('a', 2, 3, 't', 5), (';', NULL, 'x', 't', 5)",
    "CREATE TABLE 'single' (v)",
    "CREATE TABLE vacant (id INTEGER PRIMARY KEY)",
    # Rows that no statement holds.
    "CREATE TABLE long (id INTEGER PRIMARY KEY, t TEXT, b BLOB, t2 TEXT)",
    "INSERT INTO long VALUES (1, replace(hex(zeroblob(60000)), '00', 'é' || char(10)), NULL, 'short')",
    "INSERT INTO long VALUES (2, CAST(zeroblob(31000) AS TEXT), randomblob(1200000), hex(randomblob(20000)))",
    "INSERT INTO long VALUES (3, 'after', X'', CAST(randomblob(70000) AS TEXT))",
    "INSERT INTO long VALUES (4, hex(zeroblob(15999)), zeroblob(32000), hex(zeroblob(16000)))",
    # What is made of tables.
    "CREATE TABLE log (at TEXT, what TEXT)",
    "CREATE VIEW later AS SELECT * FROM earlier",
    "CREATE VIEW earlier AS SELECT id, t FROM vals -- the end is a comment",
    """CREATE TRIGGER noted AFTER INSERT ON team BEGIN
       INSERT INTO log VALUES ('now;\n', CASE WHEN new.id > 0 THEN 'END;' ELSE 'x' END); END""",
    "CREATE TRIGGER written INSTEAD OF INSERT ON earlier BEGIN INSERT INTO vals (id, t) VALUES (new.id, new.t); END",
    "CREATE INDEX by_text ON vals (lower(t))",
    "CREATE UNIQUE INDEX by_part ON loose (y) WHERE y = '1' -- a comment here, too",
    'CREATE INDEX "odd index" ON "' + ODD_NAME.replace('"', '""') + '" ("col ""q""" DESC)',
)  # fmt: skip

SEARCHED: Final = (
    "CREATE VIRTUAL TABLE found USING fts5(title, body UNINDEXED, prefix='2 3')",
    "INSERT INTO found (rowid, title, body) VALUES (7, 'harbor light', 'b'), (-3, '日本語 text', NULL)",
    "INSERT INTO found (rowid, title, body) VALUES (9, 'light', 1.5)",
    "INSERT INTO found (found, rank) VALUES ('rank', 'bm25(10.0)')",
    "CREATE TABLE pages (id INTEGER PRIMARY KEY, title TEXT)",
    "CREATE VIRTUAL TABLE index_of_pages USING fts5(title, content='pages', content_rowid='id')",
    """CREATE TRIGGER p AFTER INSERT ON pages BEGIN
       INSERT INTO index_of_pages (rowid, title) VALUES (new.id, new.title); END""",
    "INSERT INTO pages VALUES (1, 'lantern'), (2, 'light')",
    "CREATE VIRTUAL TABLE vocabulary USING fts5vocab('found', 'row')",
)


def made(file: Path, statements: Sequence[str]) -> Path:
    """Make a database of SQLite by statements, with foreign keys on as at D1."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for each in statements:
            connection.execute(each)
        connection.execute("COMMIT")
    return file


def dumped(file: Path, source: str = SOURCE, bookmark: Callable[[], str] = lambda: "same") -> tuple[bytes, Manifest]:
    """Return the dump of a file of SQLite, and its manifest."""
    written = io.BytesIO()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        manifest = dump(asking(connection), written.write, source=source, bookmark=bookmark)
    return written.getvalue(), manifest


def packed(file: Path, source: str = SOURCE) -> tuple[bytes, Manifest]:
    """Return the dump of a file of SQLite as a vault keeps it, and its manifest."""
    sql, manifest = dumped(file, source)
    written = io.BytesIO()
    packing = Packing(written.write)
    for start in range(0, len(sql), 70_000):
        packing.write(sql[start : start + 70_000])
    manifest = replace(manifest, gzip=packing.close())
    return written.getvalue(), manifest


def contents(file: Path) -> dict[str, list[Any]]:
    """Return every row of every table of a file of SQLite with types and bytes, and what made the database."""
    found, asked = dict[str, list[Any]](), dict[str, str]()
    with closing(sqlite3.connect(file)) as connection:
        forms = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        for table, has_no_rowid in connection.execute(forms).fetchall():
            if not table.startswith(("_cf_", "sqlite_schema", "sqlite_stat")):
                asked[table] = f"SELECT {'' if has_no_rowid else _rowid(connection, table)} * FROM {_quoted(table)}"
        mine = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql NOT NULL AND substr(name, 1, 4) != '_cf_'"
        schema = connection.execute(mine).fetchall()
        connection.text_factory = lambda content: f"text {content.hex()}"
        for table, rows in asked.items():
            found[table] = sorted([_typed(value) for value in row] for row in connection.execute(rows))
    return found | {"": sorted([*row[:3], row[3].rstrip()] for row in schema)}


def _rowid(connection: sqlite3.Connection, table: str) -> str:
    columns = {row[1].lower() for row in connection.execute(f"PRAGMA table_xinfo({_quoted(table)})")}
    return next((f"{each}," for each in ("rowid", "_rowid_", "oid") if each not in columns), "")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _typed(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{type(value).__name__} {value.hex() if isinstance(value, bytes | float) else value}"


def generated(seed: int) -> list[str]:
    """Return statements that make a database by chance, always the same one for a seed."""
    random = Random(seed)
    tables = [_table(random, number) for number in range(random.randint(1, 4))]
    return ["PRAGMA defer_foreign_keys=TRUE", *(statement for table in tables for statement in table)]


def _table(random: Random, number: int) -> list[str]:
    names = [
        random.choice([f"c{place}", f'o"{place}', f"列{place}", f"select {place}"])
        for place in range(random.randint(1, 7))
    ]
    names += random.sample(["rowid", "oid", "_rowid_"], random.choice([0, 0, 0, 1, 3]))
    types = [random.choice(["", "TEXT", "REAL", "INT", "BLOB", "NUMERIC"]) for _ in names]
    collations = [random.choice(["", "", "COLLATE NOCASE", "COLLATE RTRIM"]) for _ in names]
    columns = [f"{_quoted(name)} {type_} {own}" for name, type_, own in zip(names, types, collations, strict=True)]
    form, key = random.choice(["", "integer", "text", "without"]), ""
    if form == "integer":
        columns.insert(0, f"id INTEGER PRIMARY KEY {random.choice(['', 'DESC', 'AUTOINCREMENT'])}")
    elif form:
        some = random.sample(names, random.randint(1, min(3, len(names))))
        ways = [f"{_quoted(each)} {random.choice(['', 'COLLATE BINARY', 'COLLATE NOCASE', 'DESC'])}" for each in some]
        key = f", PRIMARY KEY ({', '.join(ways)})"
    end = "WITHOUT ROWID" if form == "without" else ""
    table = _quoted(random.choice([f"t{number}", f"t;\n{number}", f"T'{number}", f'表"{number}']))
    listed = ", ".join(map(_quoted, names))
    rows = [", ".join(_value(random) for _ in names) for _ in range(random.choice([0, 1, 20, 60]))]
    made = [f"CREATE TABLE {table} ({', '.join(columns)}{key}) {end}"]
    made += [f"INSERT OR IGNORE INTO {table} ({listed}) VALUES ({row})" for row in rows]
    made += [f"DELETE FROM {table} WHERE {_quoted(names[0])} = {_value(random)}"]
    if random.random() < 0.5:
        made.append(f"CREATE INDEX {_quoted(f'i;{number}')} ON {table} ({_quoted(random.choice(names))} DESC)")
    return made


def _value(random: Random) -> str:
    content = random.randbytes(random.choice([0, 1, 3, 8, 40]))
    text = "".join(random.choice("aAbB ;\n\r\0'\"\\é表\ufffd👩.0123") for _ in range(random.randint(0, 9)))
    double = random.uniform(-1, 1) * 10.0 ** random.randint(-300, 300)
    said = [
        "NULL",
        str(random.randint(-3, 3)),
        str(random.randint(-(2**63), 2**63 - 1)),
        str(2**53 + random.randint(-3, 3)),
        repr(double),
        f"{random.choice(['', '-'])}{random.choice(['0.0', '9e999', '1e15', '9007199254740993.0'])}",
        f"X'{content.hex()}'",
        f"CAST(X'{content.hex()}' AS TEXT)",
        f"CAST(X'{text.encode().hex()}' AS TEXT)",
        f"CAST(X'{(text * 3000)[:14_000].encode().hex()}' AS TEXT)" if random.random() < 0.02 else "'x'",
    ]
    assert math.isfinite(double)
    return random.choice(said)
