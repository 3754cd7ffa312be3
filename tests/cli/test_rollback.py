"""`bulkhead rollback` and `bulkhead versions`: what the last release changed goes back, and nothing goes back twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.cli.console import Console
from bulkhead.cli.main import main
from bulkhead.clients import rest
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.model.roles import Role
from bulkhead.model.settings.product_reference import product_of
from identities.cloudflare import token_policies
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN, open_api
from tests.support.fake_pulumi import FakePulumi
from tests.support.released import Released
from tests.support.settings_fixture import make_settings, write_stage_files
from tests.support.sqlite_stage import SqliteStage

ACCOUNT = "2" * 32
DEPLOYMENTS = "/accounts/{account_id}/workers/scripts/{script_name}/deployments"
MIGRATIONS = "worker/migrations/main"
SECRET = {"type": "secret_text", "name": "SESSION_KEY", "text": "hush-4711"}
NARROW = "token-of-the-role"
Run = Callable[..., tuple[int, str, str]]


class Losing(httpx.BaseTransport):
    """Hands all requests on but orders, of which nobody hears again."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/deployments"):
            raise httpx.ReadTimeout("nothing came")
        return self._inner.handle_request(request)


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Released]:
    checkout = tmp_path / "checkout"
    (checkout / MIGRATIONS).mkdir(parents=True)
    (checkout / MIGRATIONS / "0001_a.sql").write_text("CREATE TABLE members (id INTEGER PRIMARY KEY, nick TEXT);")
    work_in(monkeypatch, checkout)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/nowhere")  # no Pulumi, and no Git
    monkeypatch.setenv("THE_TOKEN", TOKEN)
    write_stage_files(checkout, ["staging"])
    stage = SqliteStage(tmp_path)
    product = product_of(make_settings("staging"))
    policies = token_policies(
        Role.ROLLBACK, product, make_settings("staging").label(product.name), make_settings("staging")
    )
    tenant = Tenant(
        "staging",
        ACCOUNT,
        {},
        "acme/harbor",
        {"cloudflare": {TOKEN: "alice@acme-hotels.com", NARROW: "rollback"}},
        {"rollback": [each.as_json() for each in policies]},
    )
    api = open_api(tmp_path, tenant, stage=lambda _environment: stage)
    monkeypatch.setattr(rest, "Rest", partial(Rest, transport=api.transport()))
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as client:
        released = Released(api, client, ACCOUNT)
        released.keep_time(monkeypatch)
        yield released
    api.journal.close()
    api.resources.store.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(command: str, *arguments: str) -> tuple[int, str, str]:
        code = main([command, "staging", "--token-env", "THE_TOKEN", *arguments])
        return code, *capsys.readouterr()

    return call


def back(run: Run, *arguments: str) -> tuple[int, str, str]:
    return run("rollback", "--yes", "staging", *arguments)


def test_what_the_last_release_changed_goes_back_callers_first_and_nothing_else(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "clerk", "assistant", "booking", "web")
    staging.release("bbbbbbb", "assistant")
    staging.release("ccccccc", "booking", "web")
    before = len(staging.ordered())
    code, out, err = back(run)
    assert (code, err) == (0, "")
    assert staging.ordered()[before:] == [staging.script("web"), staging.script("booking")], "one order each"
    assert [staging.live(each) for each in ("web", "booking", "assistant")] == [
        {"aaaaaaa": 100},
        {"aaaaaaa": 100},
        {"bbbbbbb": 100},
    ]
    assert "stays: the last release did not change it" in out
    assert "Not undone: data in databases" in out
    assert "can also upload and delete any Worker of the account" in out


def test_a_second_run_does_nothing_and_never_brings_the_bad_version_back(run: Run, staging: Released) -> None:
    for release in ("aaaaaaa", "bbbbbbb", "ccccccc"):
        staging.release(release, "web")
    assert back(run)[0] == 0
    code, out, _ = back(run)
    assert code == 0
    assert "There is nothing to roll back." in out
    assert "went back already" in out
    assert staging.live("web") == {"bbbbbbb": 100}


def test_after_a_new_release_the_way_back_leads_to_what_answered_before_it(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web")
    assert back(run)[0] == 0
    staging.release("ccccccc", "web")
    assert back(run)[0] == 0
    assert staging.live("web") == {"aaaaaaa": 100}, "and not to the one that was taken back before"


def test_a_version_that_was_brought_up_again_after_a_rollback_goes_back_again(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web")
    assert back(run)[0] == 0
    staging.wait(5)
    staging.deploy("web", {"bbbbbbb": 100})
    assert back(run)[0] == 0
    assert staging.live("web") == {"aaaaaaa": 100}


@pytest.mark.parametrize(
    "steps",
    [
        [{"old": 100, "new": 0}],
        [{"old": 90, "new": 10}],
        [{"old": 90, "new": 10}, {"old": 50, "new": 50}],
        [{"old": 90, "new": 10}, {"old": 10, "new": 90}],
        [{"new": 10, "old": 90}, {"new": 50, "old": 50}],
        [{"old": 50, "new": 50}, {"old": 0, "new": 100}],
        [{"old": 50, "new": 50}, {"old": 0, "new": 100}, {"new": 100}],
    ],
)
def test_from_every_step_of_a_rollout_all_requests_go_to_what_was_there_first(
    run: Run, staging: Released, steps: list[dict[str, float]]
) -> None:
    staging.release("old", "web")
    staging.release("new", "web", live=False)
    for step in steps:
        staging.wait(10)
        staging.deploy("web", step)
    assert back(run)[0] == 0
    assert staging.live("web") == {"old": 100}


def test_a_rollout_that_runs_is_ended_whatever_came_after_it(run: Run, staging: Released) -> None:
    staging.release("old", "booking", "web")
    staging.release("new", "web", live=False)
    staging.deploy("web", {"old": 90, "new": 10})
    staging.release("newest", "booking")
    assert back(run)[0] == 0
    assert (staging.live("web"), staging.live("booking")) == ({"old": 100}, {"old": 100})


def test_what_somebody_brought_back_in_the_dashboard_stays_and_the_rest_follows(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "booking", "web")
    staging.release("bbbbbbb", "booking", "web")
    staging.wait(3)
    staging.deploy("web", {"aaaaaaa": 100}, "Rollback")
    code, out, _ = back(run)
    assert code == 0
    assert "went back already, 2026-11-30 10:03 UTC by alice@acme-hotels.com" in out
    assert (staging.live("web"), staging.live("booking")) == ({"aaaaaaa": 100}, {"aaaaaaa": 100})


def test_a_first_version_has_nothing_to_go_back_to(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    code, _, err = back(run)
    assert code == 1
    assert "nothing answered before it" in err
    assert staging.live("web") == {"aaaaaaa": 100}


def test_a_worker_that_came_with_the_release_stays_when_its_callers_go_back(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "assistant", "web")
    code, out, _ = back(run)
    assert code == 0
    assert "nothing answered before it" in out
    assert (staging.live("web"), staging.live("assistant")) == ({"aaaaaaa": 100}, {"bbbbbbb": 100})


def test_a_worker_that_was_deleted_stands_in_nobodys_way(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "clerk", "web")
    staging.release("bbbbbbb", "clerk", "web")
    staging.rest.delete(f"/accounts/{ACCOUNT}/workers/workers/{staging.script('clerk')}")
    code, out, _ = back(run)
    assert code == 0
    assert "stays: is not deployed" in out
    assert staging.live("web") == {"aaaaaaa": 100}


def test_a_stage_without_any_deployment_is_refused(run: Run, staging: Released) -> None:
    assert staging.now
    code, _, err = back(run)
    assert code == 1
    assert "no version answers anybody" in err


def test_one_that_stopped_half_way_says_what_moved_and_goes_on_when_run_again(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "booking", bindings=[SECRET])
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "booking", "web")
    code, out, _ = back(run)
    assert code == 3
    assert f"Half done: {staging.script('web')} went back, the others did not." in out
    assert (staging.live("web"), staging.live("booking")) == ({"aaaaaaa": 100}, {"bbbbbbb": 100})
    code, out, _ = back(run, "--json")
    assert code == 1, "nothing more was done"
    assert back(run, "--force")[0] == 0
    assert (staging.live("web"), staging.live("booking")) == ({"aaaaaaa": 100}, {"aaaaaaa": 100})


def test_an_answer_that_was_lost_is_no_failure(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web")
    staging.api.fail(PlannedFault("POST", DEPLOYMENTS, Failing.AFTER))
    before = len(staging.ordered())
    assert back(run)[0] == 0
    assert (staging.live("web"), len(staging.ordered()) - before) == ({"aaaaaaa": 100}, 1)


def test_an_order_that_was_lost_needs_a_person_who_runs_it_again(
    run: Run, staging: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web")
    monkeypatch.setattr(rest, "Rest", partial(Rest, transport=Losing(staging.api.transport())))
    code, out, _ = back(run, "--json")
    document = json.loads(out)
    assert (code, document["ok"], document["moved"], document["doubt"]) == (3, False, [], staging.script("web"))
    monkeypatch.setattr(rest, "Rest", partial(Rest, transport=staging.api.transport()))
    assert back(run)[0] == 0
    assert staging.live("web") == {"aaaaaaa": 100}


def test_a_plan_changes_nothing_and_says_what_comes_back_with_the_version(run: Run, staging: Released) -> None:
    colour = {"type": "plain_text", "name": "COLOUR", "text": "blue"}
    staging.release("aaaaaaa", "web", bindings=[SECRET, colour])
    staging.release("bbbbbbb", "web", bindings=[SECRET, {**colour, "text": "red"}])
    code, out, _ = run("rollback", "--plan")
    assert code == 0
    assert "these come back as they were, too: COLOUR" in out
    assert "its secrets come back with the values that they had then: SESSION_KEY" in out
    assert "hush-4711" not in out
    assert staging.live("web") == {"bbbbbbb": 100}
    document = json.loads(run("rollback", "--plan", "--json")[1])
    (web,) = [each for each in document["workers"] if each["worker"] == "web"]
    assert (document["ok"], document["moved"]) == (True, [])
    assert web["target"] == {"version": staging.ids["web", "aaaaaaa"], "number": 1, "release": "aaaaaaa"}
    assert (web["settings"], web["secrets"], web["risks"]) == (["COLOUR"], ["SESSION_KEY"], [])


def test_nobody_is_asked_without_a_terminal_and_a_yes_for_another_stage_is_refused(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web")
    code, _, err = run("rollback")
    assert code == 1
    assert "--yes: is missing" in err
    code, _, err = run("rollback", "--yes", "production")
    assert code == 1
    assert "confirms 'production'" in err
    assert staging.live("web") == {"bbbbbbb": 100}


def test_old_secrets_come_back_only_by_force(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web", bindings=[SECRET])
    staging.release("bbbbbbb", "web", bindings=[{**SECRET, "text": "hush-4712"}])
    code, _, err = back(run)
    assert code == 1
    assert "SESSION_KEY" in err
    assert "bulkhead rollback staging --force" in err
    assert staging.live("web") == {"bbbbbbb": 100}
    assert back(run, "--force")[0] == 0
    assert staging.live("web") == {"aaaaaaa": 100}


def test_a_change_of_secrets_alone_goes_back_alone(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "booking", "web")
    staging.release("bbbbbbb", "booking", "web")
    staging.wait(120)
    first = staging.ids["web", "bbbbbbb"]
    staging.release("bbbbbbb", "web", bindings=[{"type": "plain_text", "name": "COLOUR", "text": "blue"}])
    assert back(run)[0] == 0
    staging.ids["web", "before"] = first
    assert (staging.live("web"), staging.live("booking")) == ({"before": 100}, {"bbbbbbb": 100})


@pytest.mark.parametrize("release", ["made", "deleted"])
def test_there_is_no_way_back_past_a_change_of_classes(run: Run, staging: Released, release: str) -> None:
    room = {"Room": {"type": "durable-object", "storage": "sqlite"}}
    gone = {"Room": {"type": "durable-object", "state": "deleted"}}
    then, now = ({}, room) if release == "made" else (room, gone)
    staging.release("aaaaaaa", "web", exports=then)
    staging.release("bbbbbbb", "web", exports=now)
    code, _, err = back(run, "--force")
    assert code == 1
    assert f"Durable Object classes have changed since: Room was {release}" in err
    assert "bbbbbbb" in staging.live("web")


def test_there_is_no_way_back_to_another_store(run: Run, staging: Released) -> None:
    files = {"type": "r2_bucket", "name": "FILES"}
    for name in ("lost", "restored"):
        staging.rest.post(f"/accounts/{staging.account}/r2/buckets", {"name": name})
    staging.release("aaaaaaa", "web", bindings=[{**files, "bucket_name": "lost"}])
    staging.release("bbbbbbb", "web", bindings=[{**files, "bucket_name": "restored"}])
    code, _, err = back(run, "--force")
    assert code == 1
    assert "FILES was bound to another store (lost)" in err
    assert "bbbbbbb" in staging.live("web")
    staging.release("ccccccc", "web", bindings=[{**files, "bucket_name": "restored"}])
    assert back(run, "--force")[0] == 0
    assert "bbbbbbb" in staging.live("web")


def migrated(staging: Released, sql: str) -> None:
    """Apply a migration now, by the clock of the test."""
    from bulkhead.delivery.migrations.run import catch_up  # noqa: PLC0415
    from bulkhead.model import project  # noqa: PLC0415

    folder = project.ROOT / MIGRATIONS
    database = staging.database()
    if sql:
        (folder / f"{len([*folder.iterdir()]) + 1:04}_b.sql").write_text(sql)
    for name in catch_up(database, folder):
        at = staging.now.strftime("%Y-%m-%d %H:%M:%S")
        database.write(f"UPDATE d1_migrations SET applied_at = '{at}' WHERE name = '{name}';")  # noqa: S608


def test_a_version_from_before_a_contract_is_refused_until_it_is_forced(run: Run, staging: Released) -> None:
    migrated(staging, "")
    staging.release("aaaaaaa", "booking")
    staging.release("bbbbbbb", "booking")
    staging.wait(30)
    migrated(staging, "ALTER TABLE members DROP COLUMN nick;")
    code, _, err = back(run)
    assert code == 1
    assert f"{MIGRATIONS}/0002_b.sql was applied after it had answered for the last time" in err
    assert "members.nick" in err
    assert staging.live("booking") == {"bbbbbbb": 100}
    code, out, _ = run("rollback", "--plan")
    assert code == 1
    assert "stops a run" in out
    assert back(run, "--force")[0] == 0
    assert staging.live("booking") == {"aaaaaaa": 100}


def test_the_version_that_ran_when_a_contract_was_applied_does_without_it(run: Run, staging: Released) -> None:
    migrated(staging, "")
    staging.release("aaaaaaa", "booking")
    staging.wait(30)
    migrated(staging, "ALTER TABLE members DROP COLUMN nick;")
    staging.release("bbbbbbb", "booking")
    assert back(run)[0] == 0
    assert staging.live("booking") == {"aaaaaaa": 100}


@pytest.mark.parametrize("sql", ["ALTER TABLE members ADD COLUMN age INTEGER;", "UPDATE members SET nick = 'x';"])
def test_what_takes_nothing_away_stands_in_nobodys_way(run: Run, staging: Released, sql: str) -> None:
    migrated(staging, "")
    staging.release("aaaaaaa", "booking")
    staging.release("bbbbbbb", "booking")
    staging.wait(30)
    migrated(staging, sql)
    assert back(run)[0] == 0


def test_a_contract_stops_only_workers_that_have_the_database(run: Run, staging: Released) -> None:
    migrated(staging, "")
    staging.release("aaaaaaa", "assistant")
    staging.release("bbbbbbb", "assistant")
    staging.wait(30)
    migrated(staging, "ALTER TABLE members DROP COLUMN nick;")
    assert back(run)[0] == 0


def test_a_migration_that_this_checkout_lacks_is_told_as_unknown(run: Run, staging: Released) -> None:
    from bulkhead.model import project  # noqa: PLC0415

    migrated(staging, "")
    staging.release("aaaaaaa", "booking")
    staging.release("bbbbbbb", "booking")
    staging.wait(30)
    migrated(staging, "ALTER TABLE members DROP COLUMN nick;")
    (project.ROOT / MIGRATIONS / "0002_b.sql").unlink()
    code, out, _ = back(run)
    assert code == 0
    assert "not known: worker/migrations/main/0002_b.sql is not in this checkout" in out


def test_the_narrowest_token_is_enough_and_the_ledger_that_it_may_not_read_is_told(
    run: Run, staging: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated(staging, "")
    staging.release("aaaaaaa", "booking")
    staging.release("bbbbbbb", "booking")
    monkeypatch.setenv("THE_TOKEN", NARROW)
    code, out, err = back(run)
    assert (code, err) == (0, "")
    assert "not known: what migrations took from database main since: 403" in out
    assert staging.live("booking") == {"aaaaaaa": 100}


def test_the_whole_stage_goes_back_to_a_release(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "assistant", "booking", "web")
    staging.release("bbbbbbb", "web")
    staging.release("ccccccc", "assistant")
    staging.release("ddddddd", "web")
    assert back(run, "--to", "bbbbbbb")[0] == 0
    live = {each: next(iter(staging.live(each))) for each in ("assistant", "booking", "web")}
    assert live == {"assistant": "aaaaaaa", "booking": "aaaaaaa", "web": "bbbbbbb"}
    code, out, _ = back(run, "--to", "bbbbbbb")
    assert (code, "There is nothing to roll back." in out) == (0, True)


def test_one_version_of_one_worker_is_named_by_a_part_of_its_id(run: Run, staging: Released) -> None:
    for release in ("aaaaaaa", "bbbbbbb", "ccccccc"):
        staging.release(release, "booking", "web")
    assert back(run, "--to", staging.ids["web", "aaaaaaa"][:8])[0] == 0
    assert (staging.live("web"), staging.live("booking")) == ({"aaaaaaa": 100}, {"ccccccc": 100})


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("zzzzzzz", "is no version or release"),
        ("aaa", "the first 7 letters are needed"),
        ("aaaaaaa", "may be release aaaaaaa1 or release aaaaaaa2"),
        ("uploaded", "never answered everybody"),
    ],
)
def test_a_name_that_means_nothing_or_more_than_one_thing_is_refused(
    run: Run, staging: Released, named: str, says: str
) -> None:
    staging.release("aaaaaaa1", "web")
    staging.release("aaaaaaa2", "web")
    staging.release("uploaded", "web", live=False)
    code, _, err = back(run, "--to", named)
    assert code == 1
    assert says in err
    assert staging.live("web") == {"aaaaaaa2": 100}


def test_an_upload_that_never_answered_is_no_way_back(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web", live=False)
    code, _, err = back(run, "--to", staging.ids["web", "bbbbbbb"])
    assert code == 1
    assert "never answered anybody" in err


def test_workers_without_a_commit_go_back_together_when_they_were_uploaded_together(
    run: Run, staging: Released
) -> None:
    staging.release("", "booking", "web")
    staging.ids["web", "first"] = staging.ids["web", ""]
    staging.release("bbbbbbb", "assistant")
    staging.release("", "booking", "web")
    assert back(run)[0] == 0
    assert staging.live("web") == {"first": 100}
    assert staging.live("assistant") == {"bbbbbbb": 100}


def test_the_token_is_the_stacks_secret_where_no_variable_is_named(
    staging: Released, pulumi: FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    (pulumi.folder / "secret").write_text(TOKEN)
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web")
    assert main(["rollback", "staging", "--yes", "staging"]) == 0
    assert TOKEN not in "".join(capsys.readouterr())
    assert staging.live("web") == {"aaaaaaa": 100}


def test_without_pulumi_and_without_a_variable_it_says_where_the_token_may_come_from(
    staging: Released, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    staging.release("aaaaaaa", "web")
    assert main(["rollback", "staging", "--yes", "staging"]) == 1
    err = capsys.readouterr().err
    assert "The Pulumi CLI is needed." in err
    assert "--token-env NAME" in err
    monkeypatch.delenv("THE_TOKEN")
    assert main(["rollback", "staging", "--token-env", "THE_TOKEN"]) == 1
    assert "--token-env THE_TOKEN: is not set, or is empty" in capsys.readouterr().err


def test_a_person_types_the_token_where_pulumi_is_broken(
    staging: Released, pulumi: FakePulumi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (pulumi.folder / "fails-config").write_text("error: the backend cannot be reached")
    monkeypatch.setattr(Console, "interactive", property(lambda _: True))
    monkeypatch.setattr("bulkhead.cli.cloudflare.getpass", lambda _: TOKEN)
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web")
    assert main(["rollback", "staging", "--yes", "staging"]) == 0
    out = "".join(capsys.readouterr())
    assert "the backend cannot be reached" in out
    assert TOKEN not in out
    assert staging.live("web") == {"aaaaaaa": 100}


def test_versions_shows_what_answers_and_what_did_before(run: Run, staging: Released) -> None:
    staging.release("aaaaaaa", "web")
    staging.release("bbbbbbb", "web", live=False)
    code, out, _ = run("versions")
    assert code == 0
    assert "version 2" in out
    assert "is the newest upload, and answers nobody" in out
    staging.deploy("web", {"aaaaaaa": 90, "bbbbbbb": 10}, "step 1 of 3")
    code, out, err = run("versions")
    assert (code, err) == (0, "")
    assert "2026-11-30 10:00:00  90 %" in out
    assert "step 1 of 3" in out
    assert f"{staging.script('booking')}: nothing is deployed" in out
    document: dict[str, Any] = json.loads(run("versions", "--json", "--limit", "1")[1])
    (web,) = [each for each in document["workers"] if each["worker"] == "web"]
    (live,) = web["deployments"]
    assert (live["by"], live["since"]) == ("alice@acme-hotels.com", "2026-11-30T10:00:00+00:00")
    assert [(each["release"], each["percent"]) for each in live["versions"]] == [("aaaaaaa", 90), ("bbbbbbb", 10)]
