"""How the local clouds keep what they remember: SQLite files, read by other processes while they are written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

# Nothing here has to survive a power cut, so SQLite need not wait for the disk (synchronous=OFF). A killed process
# loses nothing, because the operating system already has its writes.
_PRAGMAS: Final = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF", "PRAGMA busy_timeout=10000")


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """Open a database that several threads take turns with, and make its table where there is none."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for statement in (*_PRAGMAS, schema):
        connection.execute(statement)
    return connection
