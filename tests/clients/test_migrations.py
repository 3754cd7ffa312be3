"""Migrations are applied over the API: each once, as a whole or not at all, and noted down where wrangler looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.migrations import migrate
from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest
from bulkhead.model.failures import Failed
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api, open_api
from tests.support.sqlite_stage import SqliteStage


@dataclass
class Migrations:
    """The migrations of a product, and the database that they are for."""

    api: Api
    rest: Rest
    stage: SqliteStage
    database: str
    folder: Path

    def write(self, name: str, sql: str) -> None:
        (self.folder / name).write_text(sql)

    def apply(self) -> list[str]:
        return migrate(self.rest, ACCOUNT, self.database, self.folder)

    def column(self, sql: str) -> list[object]:
        return [value for row in self.stage.d1_query(self.database, sql) for value in row.values()]


@pytest.fixture
def migrations(tmp_path: Path) -> Iterator[Migrations]:
    stage = SqliteStage(tmp_path)
    api = open_api(tmp_path, stage=lambda _environment: stage)

    def answer(request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        path = request.url.raw_path.decode().removeprefix("/client/v4")
        answered = api.answer(request.method, path, request.content, token)
        return httpx.Response(answered.status_code, content=answered.content)

    database = api.result("POST", f"/accounts/{ACCOUNT}/d1/database", {"name": "main"})["uuid"]
    (tmp_path / "migrations").mkdir()
    with Rest(CLOUDFLARE, TOKEN, httpx.MockTransport(answer)) as rest:
        yield Migrations(api, rest, stage, database, tmp_path / "migrations")
    api.journal.close()
    api.resources.store.close()


def test_each_file_is_applied_once_in_the_order_of_the_names(migrations: Migrations) -> None:
    migrations.write("0002_b.sql", "INSERT INTO a VALUES ('it''s; b');\n-- the end")
    migrations.write("0001_a's.sql", "CREATE TABLE a (x);")
    migrations.write("0003_none.sql", "-- nothing to do yet")
    migrations.write("README.md", "no migration")
    assert migrations.apply() == ["0001_a's.sql", "0002_b.sql", "0003_none.sql"]
    assert migrations.apply() == []
    assert migrations.column("SELECT x FROM a") == ["it's; b"]
    names = migrations.column("SELECT name FROM d1_migrations ORDER BY id")
    assert names == ["0001_a's.sql", "0002_b.sql", "0003_none.sql"]


def test_a_file_that_fails_leaves_nothing_and_is_named(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x);")
    migrations.write("0002_b.sql", "INSERT INTO a VALUES (2); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(Failed, match=r"migration 0002_b\.sql of database .* failed") as caught:
        migrations.apply()
    assert caught.value.details == ("no such table: nowhere: SQLITE_ERROR",)
    assert migrations.column("SELECT x FROM a") == []
    migrations.write("0002_b.sql", "INSERT INTO a VALUES (2);")
    assert migrations.apply() == ["0002_b.sql"]


def test_a_file_without_its_last_semicolon_is_refused_as_by_wrangler(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x)")
    with pytest.raises(Failed, match="0001_a"):
        migrations.apply()


def test_a_database_that_is_not_there_is_no_fault_of_a_file(migrations: Migrations) -> None:
    migrations.database = "none"
    with pytest.raises(ApiRefused, match="7404"):
        migrations.apply()
