"""`bulkhead optimize`: says what it would run, asks, and runs each statement by itself, whatever the others came to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from bulkhead.cli.main import main
from bulkhead.clients import rest
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.seed import Tenant
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN, Api, open_api
from tests.support.settings_fixture import write_stage_files
from tests.support.sqlite_stage import SqliteStage

ACCOUNT = "2" * 32
NAME = "harbor-staging-d1-main"
MADE = (
    'CREATE TABLE "no""case" (id INTEGER PRIMARY KEY, v TEXT)',
    'CREATE INDEX by_v ON "no""case" (v)',
    "CREATE TABLE nocase (v)",
    """INSERT INTO "no""case" (v) VALUES ('a'), ('b')""",
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    work_in(monkeypatch, tmp_path)
    write_stage_files(tmp_path, ["staging"])
    monkeypatch.setenv("A_TOKEN", TOKEN)
    stage = SqliteStage(tmp_path)
    tenant = Tenant("staging", ACCOUNT, {}, "acme/harbor", {"cloudflare": {TOKEN: "deploy"}})
    opened = open_api(tmp_path, tenant, stage=lambda _environment: stage)
    monkeypatch.setattr(rest, "Rest", partial(Rest, transport=opened.transport()))
    yield opened
    opened.journal.close()
    opened.resources.store.close()


@pytest.fixture
def file(api: Api, tmp_path: Path) -> Path:
    made = api.result("POST", f"/accounts/{ACCOUNT}/d1/database", {"name": NAME})
    file = SqliteStage(tmp_path).d1_file(made["uuid"])
    with closing(sqlite3.connect(file)) as connection:
        for each in MADE:
            connection.execute(each)
        connection.commit()
    return file


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["optimize", "staging", "--token-env", "A_TOKEN", *arguments])
        return code, *capsys.readouterr()

    return call


def choose(checkout: Path, *tables: str) -> None:
    file = checkout / "Pulumi.staging.yaml"
    stack = yaml.safe_load(file.read_text())
    stack["config"]["bulkhead:database"]["optimizeTables"] = [*tables]
    file.write_text(yaml.safe_dump(stack))


def counted(file: Path) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        there = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'").fetchone()[0]
        return connection.execute("SELECT tbl, stat FROM sqlite_stat1 ORDER BY 1").fetchall() if there else []


def test_every_table_is_optimized_after_a_yes(run: Run, file: Path) -> None:
    code, out, err = run("--plan")
    assert (code, err) == (0, "")
    assert 'main: REINDEX main."no""case";' in out
    assert counted(file) == []
    code, out, err = run()
    assert code == 1
    assert "--yes: is missing" in err
    code, out, err = run("--yes", "staging", "--json")
    assert code == 0
    done = json.loads(out)["done"]
    assert [each["statement"] for each in done] == [
        'REINDEX main."no""case";',
        'ANALYZE main."no""case";',
        'REINDEX main."nocase";',
        'ANALYZE main."nocase";',
        "PRAGMA optimize;",
    ]
    assert not any(each["failed"] for each in done)
    assert counted(file) == [('no"case', "2 1")]


def test_the_settings_choose_the_tables(run: Run, file: Path, tmp_path: Path) -> None:
    choose(tmp_path, "main.nocase")
    code, out, _ = run("--plan", "--json")
    assert code == 0
    assert json.loads(out)["would"][0] == 'main: REINDEX main."nocase";'
    assert len(json.loads(out)["would"]) == 3


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("main.lost", "main.lost: is no table of harbor-staging-d1-main"),
        ("other.lost", "other.lost: its databases are: main"),
    ],
)
def test_a_table_that_is_not_there_is_named_before_anything_is_done(
    said: str, told: str, run: Run, file: Path, tmp_path: Path
) -> None:
    choose(tmp_path, "main.nocase", said)
    code, _, err = run("--yes", "staging")
    assert code == 1
    assert told in err
    assert counted(file) == []


def test_what_d1_refuses_is_said_and_the_rest_is_done(run: Run, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:  # an index whose rows are not unique any more
        connection.execute("CREATE UNIQUE INDEX one ON nocase (v)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX one ON nocase (v)' WHERE name = 'one'")
        connection.commit()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("INSERT INTO nocase VALUES (1), (1)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX one ON nocase (v)' WHERE name = 'one'")
        connection.commit()
    code, out, _ = run("--yes", "staging", "--json")
    assert code == 1
    failed = {each["statement"]: each["failed"] for each in json.loads(out)["done"]}
    assert "UNIQUE constraint failed" in failed['REINDEX main."nocase";']
    assert not failed["PRAGMA optimize;"]


def test_a_database_that_does_not_exist_is_named(run: Run, api: Api) -> None:
    code, _, err = run("--yes", "staging")
    assert code == 1
    assert f"{NAME}: is not in account {ACCOUNT}" in err
