"""`bulkhead migrate`: says what goes and how much of it, asks, applies each file once, and names the way back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.clients import rest
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.preview import waivers
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN, open_api
from tests.support.fake_pulumi import FakePulumi
from tests.support.migrations import Migrations
from tests.support.settings_fixture import write_stage_files
from tests.support.sqlite_stage import SqliteStage

NAME = "harbor-{}-d1-main"
FOLDER = "worker/migrations/main"
ACCOUNTS = {"staging": "2" * 32, "pr-42": "1" * 32}
WAIVER = """waivers:
  - resource: {file}
    loss: contract
    stage: staging
    reason: no code reads it since last week
    until: "{until}"
    approvedBy: "@harbor-inc/platform"
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def stages(tmp_path: Path, pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Migrations]]:
    """The database of each stage, with the folder of a checkout in which all commands work."""
    checkout = tmp_path / "checkout"
    (checkout / FOLDER).mkdir(parents=True)
    work_in(monkeypatch, checkout)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    write_stage_files(checkout, [*ACCOUNTS])
    (pulumi.folder / "secret").write_text(TOKEN)
    stage = SqliteStage(tmp_path)
    tenants = [
        Tenant(each, account, {}, "acme/harbor", {"cloudflare": {TOKEN if each == "staging" else "other": "deploy"}})
        for each, account in ACCOUNTS.items()
    ]
    api = open_api(tmp_path, *tenants, stage=lambda _environment: stage)
    monkeypatch.setattr(rest, "Rest", partial(Rest, transport=api.transport()))
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as client, Rest(CLOUDFLARE, "other", api.transport()) as other:
        found = {}
        for each, account in ACCOUNTS.items():
            spoken = client if each == "staging" else other
            made = spoken.post(f"/accounts/{account}/d1/database", {"name": NAME.format(each)}) or {}
            database = D1(spoken, account, made["uuid"], NAME.format(each))
            found[each] = Migrations(api, stage, database, checkout / FOLDER)
        yield found
    api.journal.close()
    api.resources.store.close()


@pytest.fixture
def staging(stages: dict[str, Migrations]) -> Migrations:
    found = stages["staging"]
    found.write("0001_a.sql", "CREATE TABLE members (id INTEGER PRIMARY KEY, nick TEXT);")
    return found


@pytest.fixture
def run(staging: Migrations, capsys: pytest.CaptureFixture[str]) -> Run:
    assert staging

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["migrate", *arguments])
        return code, *capsys.readouterr()

    return call


def document(run: Run, *arguments: str) -> Any:
    return json.loads(run(*arguments, "--json")[1])


def test_production_applies_nothing_that_staging_has_not_passed(run: Run, staging: Migrations, tmp_path: Path) -> None:
    write_stage_files(tmp_path / "checkout", ["production"])
    code, out, err = run("production", "--yes", "production")
    assert (code, out) == (1, "")
    assert "--validation: is missing: nobody could say whether staging passed" in err
    code, out, err = run("production", "--yes", "production", "--unvalidated", "the site is down")
    assert "the site is down" in out
    assert "--validation" not in err


def test_a_plan_shows_what_would_be_applied_and_changes_nothing(run: Run, staging: Migrations) -> None:
    code, out, err = run("staging", "--plan")
    assert (code, err) == (0, "")
    assert "0001_a.sql  expand  table members appears" in out
    assert staging.column("SELECT count(*) FROM sqlite_master") == [0]


def test_what_is_pending_is_applied_once_after_a_yes_with_the_way_back(run: Run, staging: Migrations) -> None:
    code, _, err = run("staging")
    assert code == 1
    assert "--yes: is missing" in err
    code, out, err = run("staging", "--yes", "staging")
    assert (code, err) == (0, "")
    bookmark = out.partition(f"npx wrangler d1 time-travel restore {staging.database.name} --bookmark=")[2].split()[0]
    place = f"/accounts/{staging.database.account}/d1/database/{staging.database.id}/time_travel/restore"
    staging.database.api.post(place, params={"bookmark": bookmark})
    assert staging.column("SELECT count(*) FROM sqlite_master") == [0]
    assert run("staging", "--yes", "staging")[0] == 0
    code, out, _ = run("staging", "--yes", "staging")
    assert code == 0
    assert "There is nothing to apply." in out


def test_a_yes_for_another_stage_is_refused(run: Run, staging: Migrations) -> None:
    code, _, err = run("staging", "--yes", "production")
    assert code == 1
    assert "confirms 'production', but this would migrate 'staging'" in err


def agree(checkout: Path, file: str) -> None:
    """Merge a waiver into the branch main."""
    until = datetime.now(UTC).date() + timedelta(days=9)
    (checkout / waivers.PATH).parent.mkdir(parents=True, exist_ok=True)
    (checkout / waivers.PATH).write_text(WAIVER.format(file=file, until=until))
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for command in (["init", "-q", "-b", "main"], ["add", "docs"], [*who, "commit", "-q", "-m", "agreed"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)


def test_a_contract_tells_how_much_goes_and_needs_a_waiver(run: Run, staging: Migrations, tmp_path: Path) -> None:
    assert run("staging", "--yes", "staging")[0] == 0
    staging.run("INSERT INTO members (nick) VALUES ('a'), ('b'), (NULL)")
    staging.write("0002_b.sql", "ALTER TABLE members DROP COLUMN nick;")
    code, out, _ = run("staging", "--plan")
    assert code == 1
    assert "contract  column members.nick goes (2 there now)" in out
    (pending,) = document(run, "staging", "--plan")["databases"][0]["pending"]
    assert (pending["class"], pending["findings"][0]["rows"], pending["waiver"]) == (["contract"], 2, None)
    code, _, err = run("staging", "--yes", "staging", "--base", "main")
    assert code == 1
    assert f"{FOLDER}/0002_b.sql: takes away what running code may still use: column members.nick goes" in err
    agree(tmp_path / "checkout", f"{FOLDER}/0002_b.sql")
    assert run("staging", "--yes", "staging", "--base", "main")[0] == 0
    assert staging.column("SELECT count(*) FROM members") == [3]


def test_a_waiver_for_another_file_covers_nothing(run: Run, staging: Migrations, tmp_path: Path) -> None:
    run("staging", "--yes", "staging")
    staging.write("0002_b.sql", "DROP TABLE members")
    agree(tmp_path / "checkout", f"{FOLDER}/0002_c.sql")
    assert run("staging", "--yes", "staging", "--base", "main")[0] == 1
    assert staging.applied() == ["0001_a.sql"]


def test_nothing_can_be_taken_from_code_that_does_not_run_yet(run: Run, staging: Migrations) -> None:
    staging.write("0002_b.sql", "ALTER TABLE members DROP COLUMN nick;")
    assert run("staging", "--yes", "staging")[0] == 0


def test_development_and_stacks_of_pull_requests_are_only_told(
    stages: dict[str, Migrations], run: Run, pulumi: FakePulumi
) -> None:
    (pulumi.folder / "secret").write_text("other")
    run("pr-42", "--yes", "pr-42")
    stages["pr-42"].write("0002_b.sql", "DROP TABLE members;")
    code, out, _ = run("pr-42", "--yes", "pr-42")
    assert code == 0
    assert "contract  table members goes (0 there now)" in out


def test_a_file_that_cannot_be_judged_needs_consent_and_so_does_all_after_it(run: Run, staging: Migrations) -> None:
    run("staging", "--yes", "staging")
    staging.write("0002_b.sql", "DROP TABLE nowhere;")
    staging.write("0003_c.sql", "CREATE TABLE c (x);")
    code, _, err = run("staging", "--yes", "staging")
    assert code == 1
    assert "cannot be judged: statement 1: no such table: nowhere" in err
    assert "cannot be judged: 0002_b.sql, before it, could not be run" in err


def test_a_database_that_was_filled_by_hand_gets_its_ledger(run: Run, staging: Migrations) -> None:
    staging.run("CREATE TABLE members (id INTEGER PRIMARY KEY, nick TEXT);")
    code, _, err = run("staging", "--yes", "staging")
    assert code == 1
    assert "table members already exists" in err
    assert "bulkhead migrate staging --baseline" in err
    assert run("staging", "--baseline")[0] == 1
    assert document(run, "staging", "--baseline", "--yes", "staging")["noted"] == [f"{FOLDER}/0001_a.sql"]
    assert "There is nothing to apply." in run("staging")[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--database", "other"], "is no database of harbor that has migrations; those are: main"),
        (["--plan", "--baseline"], "--baseline runs nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, options: list[str], says: str) -> None:
    code, _, err = run("staging", *options)
    assert code == 1
    assert says in err


def test_a_stage_without_its_database_says_what_makes_it(run: Run, staging: Migrations) -> None:
    staging.database.api.delete(f"/accounts/{staging.database.account}/d1/database/{staging.database.id}")
    code, _, err = run("staging", "--plan")
    assert code == 1
    assert "pulumi up -s staging" in err
