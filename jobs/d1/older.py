"""A dump loaded by a SQLite that is older than D1's, or built with less: what it does not know, it cannot check.

Lambda's Python brings such a one. The values of a table are compared all the same, in a table without constraints.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

_QUOTED: Final = r'"(?:[^"]|"")*"'
_INSERT: Final = re.compile(rf"INSERT INTO ({_QUOTED}) \(({_QUOTED}(?:, {_QUOTED})*)\) VALUES\n")
_SHOWN: Final = 80  # letters of a statement
_RESERVED: Final = "sqlite_"


class Older:
    """Runs the statements of a dump. ``bare`` are the columns of tables that were made without constraints, and
    ``unchecked`` says what was left out."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.bare: dict[str, tuple[str, ...]] = {}
        self.unchecked: list[str] = []

    def run(self, statement: str) -> None:
        try:
            self._connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:  # the disk is full, or the like
                raise
            insert = _INSERT.match(statement)
            if insert is None or _bare(insert[1]).startswith(_RESERVED):
                self.unchecked.append(f"SQLite {sqlite3.sqlite_version}: {error}, in {statement[:_SHOWN]!a}")
                return
            self._connection.execute(f"CREATE TABLE {insert[1]} ({insert[2]})")
            self.bare[_bare(insert[1])] = tuple(map(_bare, re.findall(_QUOTED, insert[2])))
            self._connection.execute(statement)


def _bare(quoted: str) -> str:
    return quoted[1:-1].replace('""', '"')
