"""Whatever a database is made of and whatever is in it, it comes back: from a file into one, into D1 and out again.

Databases are made up by hypothesis, always the same ones, and one that fails is made as small as it can be.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from bulkhead.localclouds.cloudflare.client import Query
from jobs.d1 import pages
from jobs.d1.dump import dump
from jobs.d1.load import batches, differences, into_file
from jobs.d1.values import as_bytes, name
from tests.support.d1_databases import SOURCE, contents, dumped, packed
from tests.support.sqlite_stage import SqliteStage

QUICK = settings(max_examples=50, deadline=None, derandomize=True, database=None)
FEW = settings(QUICK, max_examples=12)


@dataclass(frozen=True)
class Odd:
    """A text of bytes that need not be UTF-8."""

    content: bytes


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**53 - 1, 2**53, 2**53 + 1, 0, -1, -0.0, float("inf"), 5e-324, 1e300 / 7]),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(
        ["7", "7.0", "1e5", "a\nb\\n", "a;\n", "\0", "\r\n", "BEGIN TRANSACTION", "'", "\ufffd", "x" * 33_000]
    ),
    st.binary(max_size=20),
    st.integers(31_998, 32_002).map(lambda size: b"\1" * size),  # where a value becomes a long one
    st.binary(max_size=8).map(Odd),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6).filter(
    lambda each: not each.lower().startswith(("_cf_", "sqlite_"))
)
TYPES = st.sampled_from(["", "TEXT", "REAL", "INT", "INTEGER", "BLOB", "NUMERIC", "ANY", "VARCHAR(3)"])
STRICT_TYPES = st.sampled_from(["TEXT", "REAL", "INT", "BLOB", "ANY"])
COLLATIONS = st.sampled_from(["", "", "COLLATE NOCASE", "COLLATE RTRIM"])
FORMS = st.sampled_from(["", "integer", "counted", "descending", "key", "without"])


@st.composite
def tables(draw: st.DrawFn, called: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Return statements that make a table with rows, and what is bound to each."""
    strict, form = draw(st.booleans()), draw(FORMS)
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=_folded))
    columns = [f"{name(each)} {draw(STRICT_TYPES if strict else TYPES)} {draw(COLLATIONS)}" for each in names]
    free = next(f"id{number}" for number in range(9) if _folded(f"id{number}") not in map(_folded, names))
    ids = {"integer": "", "counted": "AUTOINCREMENT", "descending": "DESC"}
    if form in ids:
        columns.insert(0, f"{free} INTEGER PRIMARY KEY {ids[form]}")
    if draw(st.booleans()):
        made = f"{free}g"
        columns.append(
            f"{made} {'TEXT' if strict else ''} AS (typeof({name(names[0])})) {draw(st.sampled_from(['', 'STORED']))}"
        )
    if form in {"key", "without"}:
        some = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        ways = [
            f"{name(each)} {draw(st.sampled_from(['', 'DESC', 'COLLATE NOCASE', 'COLLATE BINARY']))}" for each in some
        ]
        columns.append(f"PRIMARY KEY ({', '.join(ways)})")
    options = [*(["WITHOUT ROWID"] if form == "without" else []), *(["STRICT"] if strict else [])]
    found: list[tuple[str, tuple[Any, ...]]] = [
        (f"CREATE TABLE {name(called)} ({', '.join(columns)}) {', '.join(options)}", ())
    ]
    listed = ", ".join(map(name, names))
    for row in draw(st.lists(st.tuples(*[VALUES] * len(names)), min_size=4, max_size=12)):
        places = ", ".join("CAST(? AS TEXT)" if isinstance(value, Odd) else "?" for value in row)
        bound = tuple(value.content if isinstance(value, Odd) else value for value in row)
        found.append((f"INSERT OR IGNORE INTO {name(called)} ({listed}) VALUES ({places})", bound))
    if draw(st.booleans()):
        partial = draw(st.sampled_from(["", f"WHERE {name(names[0])} IS NOT NULL"]))
        found.append(
            (f"CREATE INDEX {name('i' + called)} ON {name(called)} (lower({name(names[-1])}), 1 + 1) {partial}", ())
        )
    return found


@st.composite
def databases(draw: st.DrawFn) -> list[tuple[str, tuple[Any, ...]]]:
    called = draw(st.lists(NAMES, min_size=1, max_size=3, unique_by=lambda each: _folded("i" + each)))
    called = [each for each in called if _folded("i" + each) not in map(_folded, called)]
    return [statement for each in called for statement in draw(tables(each))]


def _folded(text: str) -> bytes:
    return as_bytes(text).lower()


def made(file: Path, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> Path:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for sql, bound in statements:
            try:
                connection.execute(sql, bound)
            except sqlite3.IntegrityError:  # a value that a strict column does not take
                assert sql.startswith("INSERT")
        connection.execute("COMMIT")
    return file


@QUICK
@given(databases(), st.integers(1, 3))
def test_a_database_comes_back_from_its_dump(statements: list[tuple[str, tuple[Any, ...]]], most: int) -> None:
    with TemporaryDirectory() as folder, patch.object(pages, "MOST", most):  # so that pages meet keys
        source = made(Path(folder) / "source.sqlite", statements)
        content, manifest = packed(source)
        back = Path(folder) / "back.sqlite"
        assert into_file(io.BytesIO(content), manifest, back, source=SOURCE).orphans == ()
        assert contents(back) == contents(source)
        sql, again = dumped(back)
        assert (sql, again.tables, again.schema) == (dumped(source)[0], manifest.tables, manifest.schema)


@FEW
@given(databases())
def test_a_database_goes_into_d1_and_comes_out_of_it(statements: list[tuple[str, tuple[Any, ...]]]) -> None:
    with TemporaryDirectory() as folder:
        source = made(Path(folder) / "source.sqlite", statements)
        sql, manifest = dumped(source)
        d1 = SqliteStage(Path(folder))

        def together(some: Sequence[str]) -> list[list[Sequence[Any]]]:
            return [list(ran.rows) for ran in d1.d1_run("there", [Query(each) for each in some])]

        def ask(statement: str) -> list[Sequence[Any]]:
            return together([statement])[0]

        for batch in batches(io.BytesIO(sql), 300_000):
            together(batch)
        assert differences(ask, manifest) == []
        out = io.BytesIO()
        found = dump(ask, out.write, source=SOURCE, together=together)
        assert found.is_consistent
        assert (out.getvalue(), found.tables) == (sql, manifest.tables)
        assert contents(d1.d1_file("there")) == contents(source)
