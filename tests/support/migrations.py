"""A database, the folder of its migrations, and a Cloudflare that applies them: D1's API over SQLite files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bulkhead.clients.d1 import D1
from bulkhead.delivery.migrations.files import Migration, read
from bulkhead.delivery.migrations.plan import Plan
from bulkhead.delivery.migrations.run import catch_up, planned
from tests.support.cloudflare_api import Api
from tests.support.sqlite_stage import SqliteStage

BASELINE = "bulkhead migrate staging --baseline"


@dataclass
class Migrations:
    """The migrations of a product, and the database that they are for."""

    api: Api
    stage: SqliteStage
    database: D1
    folder: Path

    def write(self, name: str, sql: str | bytes) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sql.encode() if isinstance(sql, str) else sql)

    def read(self) -> list[Migration]:
        return read(self.folder)

    def plan(self) -> Plan:
        return planned(self.database, self.read(), "migrations", BASELINE)

    def apply(self) -> list[str]:
        return catch_up(self.database, self.folder)

    def run(self, sql: str) -> None:
        self.database.write(sql)

    def column(self, sql: str) -> list[object]:
        return [value for row in self.stage.d1_query(self.database.id, sql) for value in row.values()]

    def applied(self) -> list[object]:
        return self.column("SELECT name FROM d1_migrations ORDER BY id")
