"""The migrations of a D1 database, as `wrangler d1 migrations apply` applies them: either continues where the other one
stopped, and a file that one refuses the other refuses too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest
from bulkhead.model.failures import Failed

_TABLE: Final = (
    'CREATE TABLE IF NOT EXISTS "d1_migrations" (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, '
    "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)"
)
_SQL_FAILED: Final = 7500


def migrate(api: Rest, account: str, database: str, folder: Path) -> list[str]:
    """Apply the files of ``folder`` that were not applied yet, in order of their names; return these names."""
    query = f"/accounts/{account}/d1/database/{database}/query"
    script = f'{_TABLE};\nSELECT name FROM "d1_migrations"'
    done = {row["name"] for row in (api.post(query, {"sql": script}, repeatable=True) or [])[-1]["results"]}
    fresh = sorted(file for file in folder.glob("*.sql") if file.name not in done)
    for file in fresh:
        name = file.name.replace("'", "''")
        note = f"INSERT INTO \"d1_migrations\" (name) VALUES ('{name}');"  # noqa: S608 - D1 takes no parameters here
        try:
            # One transaction: a file is applied and noted down, or neither.
            api.post(query, {"sql": f"{file.read_text(encoding='utf-8')}\n{note}"})
        except ApiRefused as refused:
            if not refused.has(_SQL_FAILED):
                raise
            reasons = [reason.message for reason in refused.reasons]
            raise Failed(f"migration {file.name} of database {database} failed", reasons) from refused
    return [file.name for file in fresh]
