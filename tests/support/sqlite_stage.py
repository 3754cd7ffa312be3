"""A stage whose D1 databases are SQLite files of this process: SQL is real, D1's own rules are not there."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bulkhead.localclouds.cloudflare.client import Query, Ran, SqlError

_VIRTUAL = "SELECT count(*) FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%'"


class SqliteStage:
    """Answers what the routes of D1 ask a `StageCloud`. ``paused`` holds up every statement while it is cleared."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked = threading.Event()
        self.paused = threading.Event()
        self.paused.set()

    def d1_run(self, database: str, queries: Sequence[Query]) -> list[Ran]:
        self.asked.set()
        assert self.paused.wait(10)
        with closing(sqlite3.connect(self.d1_file(database), isolation_level=None)) as connection:
            connection.text_factory = lambda content: content.decode(errors="replace")  # as JSON does
            connection.execute("PRAGMA foreign_keys = ON")  # as D1, whatever a transaction says
            connection.execute("PRAGMA synchronous = OFF")  # no test cuts the power
            connection.execute("BEGIN")
            try:
                ran = [_run(connection, query) for query in queries]
                connection.execute("COMMIT")  # looks at foreign keys that were deferred
            except sqlite3.Error as error:
                connection.execute("ROLLBACK")
                raise SqlError(f"{error}: SQLITE_ERROR") from error
        return ran

    def d1_query(self, database: str, sql: str) -> list[dict[str, Any]]:
        return self.d1_run(database, [Query(sql)])[-1].objects()

    def d1_export(self, database: str, *, no_schema: bool, no_data: bool, tables: Sequence[str]) -> list[str]:
        with closing(sqlite3.connect(self.d1_file(database))) as connection:
            if connection.execute(_VIRTUAL).fetchone()[0]:
                raise SqlError("D1 Export error: cannot export databases with Virtual Tables (fts5)")
            lines = [line for line in connection.iterdump() if line.startswith(("CREATE", "INSERT"))]
        lines = [line for line in lines if not tables or any(table in line for table in tables)]
        return [line for line in lines if not line.startswith("INSERT" if no_data else "CREATE" if no_schema else " ")]

    def d1_file(self, database: str) -> Path:
        return self._folder / f"{database}.sqlite"

    def d1_bookmarks(self, database: str) -> Path:
        return self._folder / "bookmarks" / database

    def d1_replace(self, database: str, file: Path) -> None:
        shutil.copyfile(file, self.d1_file(database))


def _run(connection: sqlite3.Connection, query: Query) -> Ran:
    cursor = connection.execute(query.sql, query.params)
    columns = [column[0] for column in cursor.description or ()]
    changes = max(cursor.rowcount, 0)
    meta = {
        "served_by": "sqlite",
        "duration": 0,
        "changes": changes,
        "last_row_id": cursor.lastrowid or 0,
        "changed_db": changes > 0,
        "size_after": 4096,
        "rows_read": 0,
        "rows_written": changes,
    }
    return Ran(columns, [list(row) for row in cursor.fetchall()], meta)
