"""What Miniflare has written to disk, read while it runs and without waking a Durable Object."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]
_COUNTER: Final = "_cf_METADATA"  # changes when a database is merely looked at
_BOOKKEEPING: Final = ("sqlite_", _COUNTER)
_KEY_VALUE: Final = "_cf_KV"  # where workerd keeps an object's key-value storage; its other tables start alike


@dataclass(frozen=True, slots=True)
class DurableObject:
    """One object and the rows of its own tables. ``stored`` are the values of its key-value storage, as the bytes
    V8 wrote: text in them is readable, the rest is not."""

    id: str
    tables: Mapping[str, list[Row]]
    stored: Mapping[str, bytes]


def read_object(file: Path) -> DurableObject:
    """Return the Durable Object that is kept in ``file``."""
    with closing(_open(file)) as connection:
        content = {table: _rows(connection, table) for table in _tables(connection)}
    stored = {str(row["key"]): bytes(row["value"]) for row in content.get(_KEY_VALUE, [])}
    return DurableObject(file.stem, {t: rows for t, rows in content.items() if not t.startswith("_cf_")}, stored)


def lines(file: Path) -> Iterator[str]:
    """Yield each row of a database as text; a store that nobody ever wrote to has no file and no rows."""
    if not file.exists():
        return
    with closing(_open(file)) as connection:
        for table in _tables(connection):
            for row in _rows(connection, table):
                yield f"{table} {' '.join(_text(value) for value in row.values())}"


def copy(file: Path, target: Path) -> None:
    """Write what is in a database to a new file, as of one moment; others may write to it meanwhile."""
    target.unlink(missing_ok=True)
    with closing(_open(file)) as source, closing(sqlite3.connect(target)) as into:
        source.backup(into)


def digest(file: Path) -> str:
    """Return the MD5 of a database that nobody has open, without the page that changes when it is looked at."""
    with closing(_open(file)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        pages = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [_COUNTER]).fetchall()
    content = bytearray(file.read_bytes())
    for (page,) in pages:
        del content[(page - 1) * size : page * size]
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def _tables(connection: sqlite3.Connection) -> list[str]:
    names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    return [row["name"] for row in names if not row["name"].startswith(_BOOKKEEPING)]


def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
    quoted = table.replace('"', '""')
    return [dict(row) for row in connection.execute(f'SELECT * FROM "{quoted}"')]  # noqa: S608 - a table of this file


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
