"""wrangler's commands for D1 work against the local Cloudflare, and do what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients.d1 import find
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.delivery.migrations.run import catch_up
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.failures import Failed
from tests.localclouds.cloudflare.wrangler import Said, Wrangler
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api

pytestmark = pytest.mark.slow


@dataclass
class Shell:
    """Runs `wrangler d1` for the database "main", which wrangler made itself; ``cloud`` is where it is."""

    wrangler: Wrangler
    cloud: StageCloud
    id: str
    api: str

    def done(self, command: str, *more: str) -> Said:
        return self.wrangler.done("d1", *command.split(), *more)

    def failed(self, command: str, *more: str) -> str:
        said = self.wrangler.run("d1", *command.split(), *more)
        assert said.code == 1, said.out
        return said.out + said.err

    def words(self) -> list[str]:
        return [row["word"] for row in self.cloud.d1_query(self.id, "SELECT word FROM words ORDER BY word")]


@pytest.fixture
def shell(tmp_path: Path, shared_cloud: LocalCloudflare) -> Iterator[Shell]:
    api = open_api(tmp_path, stage=lambda _environment: shared_cloud.client)
    server = ApiServer(api.app)
    wrangler = Wrangler(tmp_path / "wrangler", f"{server.url}{PREFIX}", ACCOUNT, TOKEN)
    wrangler.configure("shop")
    wrangler.done("d1", "create", "main")
    shared_cloud.declare(api.resources.store.all())
    (database,) = api.result("GET", f"/accounts/{ACCOUNT}/d1/database")
    binding = {"binding": "DB", "database_name": "main", "database_id": database["uuid"]}
    wrangler.configure("shop", d1_databases=[binding])
    yield Shell(wrangler, shared_cloud.client, database["uuid"], f"{server.url}{PREFIX}")
    server.stop()
    api.journal.close()
    api.resources.store.close()


def results(said: Said) -> Any:
    return [each["results"] for each in said.json]


def test_a_command_runs_every_statement(shell: Shell) -> None:
    sql = "CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('a;b'); SELECT * FROM words -- all"
    assert results(shell.done("execute main --remote --json --command", sql)) == [[], [], [{"word": "a;b"}]]
    wrong = "INSERT INTO words VALUES ('c'); BAD"
    assert 'near "BAD": syntax error at offset 0: SQLITE_ERROR' in shell.failed(
        "execute main --remote --command", wrong
    )
    assert shell.words() == ["a;b"]


def test_migrations_are_applied_once_and_a_broken_one_leaves_nothing(shell: Shell) -> None:
    shell.wrangler.write("migrations/0001_words.sql", "CREATE TABLE words (word TEXT);\n-- it's all\n")
    shell.wrangler.write("migrations/0002_none.sql", "-- nothing to do yet\n")
    assert "0002_none.sql" in shell.done("migrations list main --remote").out
    shell.done("migrations apply main --remote")
    shell.wrangler.write("migrations/0003_bad.sql", "INSERT INTO words VALUES ('a');\nINSERT INTO nowhere VALUES (1);")
    assert "no such table: nowhere: SQLITE_ERROR" in shell.failed("migrations apply main --remote")
    assert shell.words() == []
    shell.wrangler.write("migrations/0003_bad.sql", "INSERT INTO words VALUES ('a');")
    shell.done("migrations apply main --remote")
    assert shell.words() == ["a"]
    assert "No migrations to apply" in shell.done("migrations list main --remote").out


def test_a_file_is_imported_and_what_is_exported_makes_it_again(shell: Shell) -> None:
    shell.wrangler.write(
        "seed.sql", "CREATE TABLE words (word TEXT);\nINSERT INTO words VALUES ('it''s; one'), ('two');"
    )
    shell.done("execute main --remote --yes --file seed.sql")
    assert shell.words() == ["it's; one", "two"]
    shell.done("export main --remote --output all.sql")
    shell.cloud.d1_query(shell.id, "DROP TABLE words")
    shell.done("execute main --remote --yes --file all.sql")
    assert shell.words() == ["it's; one", "two"]
    shell.done("export main --remote --no-schema --output data.sql")
    assert "CREATE" not in (shell.wrangler.project / "data.sql").read_text()
    shell.cloud.d1_query(shell.id, "CREATE VIRTUAL TABLE found USING fts5(word)")
    assert "cannot export databases with Virtual Tables" in shell.failed("export main --remote --output all.sql")
    shell.wrangler.write("bad.sql", "DELETE FROM words;\nDELETE FROM nowhere;")
    assert "no such table: nowhere" in shell.failed("execute main --remote --yes --file bad.sql")
    assert len(shell.words()) == 2


def test_a_database_goes_back_in_time(shell: Shell) -> None:
    shell.cloud.d1_query(shell.id, "CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('before')")
    bookmark = json.loads(shell.done("time-travel info main --json").out)["bookmark"]
    shell.cloud.d1_query(shell.id, "UPDATE words SET word = 'after'")
    shell.done("time-travel restore main --json --bookmark", bookmark)
    assert shell.words() == ["before"]
    assert "keeps no history" in shell.failed("time-travel info main --timestamp", "2026-11-29T00:00:00Z")


def test_a_database_that_is_there_is_found_by_name_and_deleted(shell: Shell) -> None:
    shell.wrangler.configure("shop")  # knows no database now, so that it has to ask
    assert results(shell.done("execute main --remote --json --command", "SELECT 1 AS one")) == [[{"one": 1}]]
    shell.failed("create main")
    shell.done("delete main --skip-confirmation")
    assert json.loads(shell.done("list --json").out) == []
    assert "Couldn't find" in shell.failed("execute main --remote --command", "SELECT 1")


def test_wrangler_and_our_own_command_go_on_where_the_other_stopped(shell: Shell) -> None:
    shell.wrangler.write("migrations/2_words.sql", "CREATE TABLE words (word TEXT);")
    shell.done("migrations apply main --remote")
    shell.wrangler.write("migrations/10_more.sql", "INSERT INTO words VALUES ('ours')\n-- it's all")
    folder = shell.wrangler.project / "migrations"
    with Rest(CLOUDFLARE.at(shell.api), TOKEN) as rest:
        database = find(rest, ACCOUNT, "main")
        assert database is not None
        assert catch_up(database, folder) == ["10_more.sql"]
        assert "No migrations to apply" in shell.done("migrations list main --remote").out
        shell.wrangler.write("migrations/11_last.sql", "INSERT INTO words VALUES ('theirs');")
        shell.done("migrations apply main --remote")
        assert catch_up(database, folder) == []
        assert shell.words() == ["ours", "theirs"]
        bookmark = database.bookmark()
        shell.cloud.d1_query(shell.id, "DELETE FROM words")
        shell.done("time-travel restore main", f"--bookmark={bookmark}")
    assert shell.words() == ["ours", "theirs"]


PARENT = "CREATE TABLE parent (id INT PRIMARY KEY); CREATE TABLE child (p REFERENCES parent(id) ON DELETE {action});"
ANEW = """PRAGMA foreign_keys=OFF; {defer}
CREATE TABLE fresh (id INTEGER PRIMARY KEY, x); INSERT INTO fresh (id) SELECT id FROM parent;
DROP TABLE parent; ALTER TABLE fresh RENAME TO parent;"""


@pytest.mark.parametrize(
    ("action", "defer", "said"),
    [
        ("CASCADE", "", "takes its rows"),
        ("CASCADE", "PRAGMA defer_foreign_keys=ON;", "takes its rows"),
        ("SET NULL", "", "takes its references"),
        ("RESTRICT", "", "D1 enforces foreign keys"),
    ],
)
def test_a_rebuild_that_empties_children_in_workerd_is_rolled_back(
    shell: Shell, action: str, defer: str, said: str
) -> None:
    shell.wrangler.write("migrations/1_a.sql", PARENT.format(action=action))
    folder = shell.wrangler.project / "migrations"
    with Rest(CLOUDFLARE.at(shell.api), TOKEN) as rest:
        database = find(rest, ACCOUNT, "main")
        assert database is not None
        catch_up(database, folder)
        shell.cloud.d1_query(shell.id, "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1)")
        shell.wrangler.write("migrations/2_b.sql", ANEW.format(defer=defer))
        with pytest.raises(Failed, match=said):
            catch_up(database, folder)
    assert shell.cloud.d1_query(shell.id, "SELECT p FROM child") == [{"p": 1}]
