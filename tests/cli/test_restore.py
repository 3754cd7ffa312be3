"""`bulkhead restore`: says what is lost, asks, brings a database back under maintenance, and names the way back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bulkhead.cli.main import main
from bulkhead.delivery.journal import RESTORE, Journal
from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.machine.owner import Owner
from bulkhead.model.faults import Refused
from tests.support.restore_place import Place, a_place
from tests.support.vaulted import VaultS3

IMPORT = "/accounts/{account_id}/d1/database/{database_id}/import"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with a_place(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def run(place: Place, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(stage: str, *arguments: str, rows: bool = False) -> tuple[int, str, str]:
        words = ["restore", *(["rows"] if rows else []), stage, "main", "--token-env", f"TOKEN_{stage.upper()}"]
        code = main([*words, *arguments])
        return code, *capsys.readouterr()

    return call


def test_nobody_restores_without_a_name(run: Run) -> None:
    code, out, err = run("staging", "--yes", "staging")
    assert (code, out) == (1, "")
    assert "--from, --at: neither is there, and nobody restores without a name" in err


def test_a_plan_says_what_is_lost_and_changes_nothing(run: Run, place: Place) -> None:
    backup, before = place.backup(), place.nicks()
    code, out, err = run("staging", "--from", backup.key, "--plan")
    assert (code, err) == (0, "")
    assert "table members: rows: 1 now, 1 then, some with other values" in out
    assert "no restore of main is on record" in out
    assert (place.nicks(), [key for key in place.s3.there if key.startswith("delivery/")]) == (before, [])


def test_a_backup_comes_back_under_maintenance_and_is_undone(run: Run, place: Place) -> None:
    backup = place.backup()
    code, out, _ = run("staging", "--from", backup.key, "--yes", "staging")
    assert code == 0, out
    assert "bulkhead restore staging main --undo" in out
    assert (place.nicks(), place.maintenance()) == (["ann"], "off")
    code, out, _ = run("staging", "--undo", "--yes", "staging", "--json")
    assert (code, json.loads(out)["outcome"], place.nicks()) == (0, "done", ["bob"])


def test_production_takes_a_digest_that_was_seen_and_no_yes(run: Run, place: Place) -> None:
    backup = place.backup("production")
    for answer in ((), ("--yes", "production")):
        code, _, err = run("production", "--from", backup.key, *answer)
        assert code == 1
        assert "--apply: is missing: production is restored by who types its name at a terminal" in err
    assert place.nicks("production") == ["bob"]
    digest = json.loads(run("production", "--from", backup.key, "--plan", "--json")[1])["digest"]
    code, _, err = run("production", "--from", backup.key, "--apply", "0" * 64)
    assert code == 1
    assert "is not this plan's" in err
    assert run("production", "--from", backup.key, "--apply", digest)[0] == 0
    assert (place.nicks("production"), place.maintenance("production")) == (["ann"], "off")


def test_a_backup_of_another_stage_is_refused_by_name(run: Run, place: Place) -> None:
    code, _, err = run("production", "--from", place.backup("staging").key, "--plan")
    assert code == 1
    assert "is of staging, and this is about production" in err


def test_a_restore_that_waits_for_migrations_needs_a_person_and_goes_on(run: Run, place: Place) -> None:
    place.databases["staging"].write("INSERT INTO d1_migrations (name) VALUES ('0002_b.sql');")
    code, out, _ = run("staging", "--from", place.backup().key, "--yes", "staging")
    assert code == 3
    assert "bulkhead migrate staging --database main, then: bulkhead restore staging main" in out
    assert place.maintenance() == "on"
    s3: Any = place.s3
    deploying, says = Journal(s3, "a-bucket", "staging"), "bulkhead restore staging main continues or returns it"
    with deploying.held(), pytest.raises(Refused, match=says):
        deploying.begin({})
    assert run("staging", "--at", "2020-01-01T00:00Z", "--yes", "staging")[0] == 1
    assert place.maintenance() == "on"
    place.databases["staging"].write("INSERT INTO d1_migrations (name) VALUES ('0002_b.sql');")
    assert run("staging", "--yes", "staging")[0] == 0
    assert (place.nicks(), place.maintenance()) == (["ann"], "off")


def test_while_the_stage_is_deployed_nothing_is_restored(run: Run, place: Place) -> None:
    key = place.backup().key
    s3: Any = place.s3
    with (deploying := Journal(s3, "a-bucket", "staging")).held():
        deploying.begin({"commit": "a" * 40})
    code, _, err = run("staging", "--from", key, "--yes", "staging")
    assert code == 1
    assert "has not ended" in err
    assert "bulkhead deploy staging continues or returns it" in err
    assert place.nicks() == ["bob"]


def test_of_two_restores_at_once_the_second_is_refused(run: Run, place: Place) -> None:
    s3: Any = place.s3
    other = Owner("alice", "laptop", "elsewhere", 4711, 1.0)
    with (restoring := Journal(s3, "a-bucket", "staging", me=other).of(RESTORE)).held():
        restoring.begin({"plan": {}}).note("maintenance")
        for arguments in (("--from", place.backup().key), ("--undo",)):
            code, _, err = run("staging", *arguments, "--yes", "staging")
            assert code == 1
            assert "staging is being changed." in err
            assert "alice" in err
        wish = ("--from", place.backup().key, "--table", "members", "--yes", "staging")
        assert "staging is being changed." in run("staging", *wish, rows=True)[2]
    assert place.nicks() == ["bob"]


def test_a_vault_that_answers_500_is_said_and_nothing_is_begun(
    run: Run, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = place.backup().key

    def ill(**request: Any) -> Any:
        if request["Key"].startswith("database/"):
            answer: Any = {"Error": {"Code": "InternalError", "Message": "We encountered an internal error."}}
            raise ClientError(answer, "GetObject")
        return VaultS3.get_object(place.s3, **request)

    monkeypatch.setattr(place.s3, "get_object", ill)
    code, _, err = run("staging", "--from", key, "--yes", "staging")
    assert code == 1
    assert "S3 refused while reading the backup." in err
    assert "InternalError" in err
    assert (place.nicks(), [each for each in place.s3.there if "/restores/" in each]) == (["bob"], [])


def test_a_cloudflare_that_answers_500_leaves_users_waiting_and_the_same_command_goes_on(
    run: Run, place: Place
) -> None:
    key = place.backup().key
    place.api.fail(PlannedFault("POST", IMPORT, Failing.AFTER, 99))
    code, out, _ = run("staging", "--from", key, "--yes", "staging")
    assert code == 3, out
    assert "has not ended; what was switched off for it stays so" in out
    assert (place.nicks(), place.maintenance()) == (["bob"], "on")
    place.api.fail()
    assert run("staging", "--yes", "staging")[0] == 0
    assert (place.nicks(), place.maintenance()) == (["ann"], "off")


def test_development_alone_does_without_maintenance(run: Run, place: Place) -> None:
    code, _, err = run("staging", "--from", place.backup().key, "--without-maintenance", "--yes", "staging")
    assert code == 1
    assert "--without-maintenance: is for development" in err
    database = place.databases["development"]
    at = place.moment(database)
    database.write("DELETE FROM members;")
    code, out, _ = run("development", "--at", at, "--without-maintenance", "--yes", "development")
    assert code == 0, out
    assert "nobody waits: what is written meanwhile is lost" in out
    assert place.nicks("development") == ["bob"]


def test_a_stage_without_backups_says_so(run: Run, place: Place) -> None:
    code, _, err = run("development", "--from", place.backup("development").key, "--plan")
    assert code == 1
    assert "development keeps no backups" in err


def test_rows_come_back_after_a_yes_and_others_stay(run: Run, place: Place) -> None:
    wish = ("--from", place.backup().key, "--table", "members")
    code, out, _ = run("staging", *wish, "--plan", rows=True)
    assert code == 0
    assert "table members: rows: 1 are added" in out
    assert place.nicks() == ["bob"]
    code, _, err = run("staging", *wish, rows=True)
    assert code == 1
    assert "--yes: is missing" in err
    code, out, _ = run("staging", *wish, "--yes", "staging", rows=True)
    assert code == 0
    assert "npx wrangler d1 time-travel restore harbor-staging-d1-main --bookmark=" in out
    assert place.nicks() == ["ann", "bob"]
    assert "There is nothing to bring back." in run("staging", *wish, "--yes", "staging", rows=True)[1]


def test_rows_of_production_take_a_digest(run: Run, place: Place) -> None:
    wish = ("--from", place.backup("production").key, "--table", "members", "--key", "1")
    assert run("production", *wish, "--yes", "production", rows=True)[0] == 1
    digest = json.loads(run("production", *wish, "--plan", "--json", rows=True)[1])["digest"]
    assert run("production", *wish, "--apply", "0" * 64, rows=True)[0] == 1
    assert run("production", *wish, "--apply", digest, rows=True)[0] == 0
    assert place.nicks("production") == ["ann", "bob"]


def test_a_person_types_the_name_of_production(run: Run, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bulkhead.cli.console.Console.interactive", property(lambda _: True))
    key = place.backup("production").key
    monkeypatch.setattr("sys.stdin", io.StringIO("prod\n"))
    assert run("production", "--from", key)[0] == 1
    assert place.nicks("production") == ["bob"]
    monkeypatch.setattr("sys.stdin", io.StringIO("production\n"))
    assert run("production", "--from", key)[0] == 0
    assert place.nicks("production") == ["ann"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["staging", "nothing", "--at", "2026-11-30T12:00Z"], "is no database of harbor; those are: main"),
        (["staging", "main", "--plan", "--apply", "0"], "--plan: only shows, and --apply does"),
        (["staging", "main", "--at", "2026-11-30T12:00Z", "--yes", "production"], "confirms 'production'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: list[str], says: str, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["restore", *arguments, "--token-env", "TOKEN_STAGING"]) == 1
    assert says in capsys.readouterr().err


def test_a_database_that_is_gone_names_the_command_that_makes_it_anew(run: Run, place: Place) -> None:
    place.databases["staging"].delete()
    code, _, err = run("staging", "--from", place.backup().key, "--plan")
    assert code == 1
    assert "bulkhead restore anew staging main --from KEY" in err
