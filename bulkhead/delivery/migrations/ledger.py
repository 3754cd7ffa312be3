"""Which migrations a database has had: wrangler's own table, and beside it the checksum of each file.

wrangler applies what its table does not name, and so do we: either goes on where the other stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bulkhead.clients.d1 import D1
from bulkhead.clients.sql import literal
from bulkhead.delivery.migrations.copy import Made
from bulkhead.delivery.migrations.files import Migration
from jobs.d1.schema import MIGRATIONS

_CHECKSUMS: Final = "d1_migration_checksums"
_MAKE: Final = (
    f'CREATE TABLE IF NOT EXISTS "{MIGRATIONS}" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, '
    "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);",
    f'CREATE TABLE IF NOT EXISTS "{_CHECKSUMS}" (name TEXT PRIMARY KEY, checksum TEXT NOT NULL);',
)
_SCHEMA: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL;"
_NAMES: Final = f'SELECT name FROM "{MIGRATIONS}" ORDER BY id;'  # noqa: S608 - a name of ours
_TIMES: Final = f'SELECT name, applied_at FROM "{MIGRATIONS}" ORDER BY id;'  # noqa: S608
_SUMS: Final = f'SELECT name, checksum FROM "{_CHECKSUMS}";'  # noqa: S608


@dataclass(frozen=True, slots=True)
class Standing:
    """A database as it stands: the names of what was applied, in that order, with the checksum where one was noted
    down; and what makes its schema, without what is the ledger's or Cloudflare's."""

    applied: Mapping[str, str | None]
    made: Sequence[Made] = ()


def read(database: D1) -> Standing:
    """Return how the database stands; changes nothing."""
    (rows,) = database.read(_SCHEMA)
    tables = {row["name"] for row in rows if row["type"] == "table"}
    ours = {MIGRATIONS, _CHECKSUMS}
    made = [
        Made(row["type"], row["name"], row["sql"])
        for row in rows
        if row["tbl_name"] not in ours and not row["tbl_name"].startswith(("_cf_", "sqlite_"))
    ]
    if MIGRATIONS not in tables:
        return Standing({}, made)
    names, *sums = database.read(_NAMES, *([_SUMS] if _CHECKSUMS in tables else []))
    known = {row["name"]: row["checksum"] for row in (sums[0] if sums else ())}
    return Standing({row["name"]: known.get(row["name"]) for row in names}, made)


def times(database: D1) -> dict[str, datetime]:
    """Return when each migration was applied, in that order; none where there is no ledger."""
    (rows,) = database.read(_SCHEMA)
    if MIGRATIONS not in {row["name"] for row in rows if row["type"] == "table"}:
        return {}
    (found,) = database.read(_TIMES)
    return {row["name"]: datetime.fromisoformat(row["applied_at"]).replace(tzinfo=UTC) for row in found}


def noting(migration: Migration, *, applied: bool = True) -> list[str]:
    """Return the statements that note a migration down: as ``applied`` now, or only its checksum."""
    name = literal(migration.name)
    values = f"({name}, {literal(migration.checksum)})"
    return [
        *_MAKE,
        *([f'INSERT INTO "{MIGRATIONS}" (name) VALUES ({name});'] if applied else []),  # noqa: S608 - D1's API takes no
        f'INSERT OR REPLACE INTO "{_CHECKSUMS}" (name, checksum) VALUES {values};',  # noqa: S608 - parameters here
    ]
