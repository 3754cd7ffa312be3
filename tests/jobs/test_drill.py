"""A restore is rehearsed each month: whole, timed, both ways back in time, and nothing is left of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest

from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.tasks import jobs_of, read_tasks
from identities.job_permissions import job_grants
from jobs import backup, drill, drills, verified
from jobs.cloudflare import Cloudflare
from jobs.drills import Drill, Tried
from jobs.run import JobFailed
from jobs.scratch import Scratch
from jobs.vault import Backup
from tests.support.d1_databases import NASTY
from tests.support.lambda_stage import DATABASES, STATE, VAULT, Context, LambdaStage
from tests.support.settings_fixture import make_settings

NIGHT = "2026-11-30T17:00:00Z"
SUNDAY = "2026-12-05T18:30:00+00:00"  # half past three on Sunday, 6 December, in Tokyo
DATABASE = "/accounts/{account_id}/d1/database/{database_id}"
KEY = "database/daily/{}/backup_staging_{}_20261130T170000Z.sql.gz"
WORDS = ("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)", "INSERT INTO words VALUES (1, 'a'), (2, 'b')")
GUARDED = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
    "CREATE TABLE child (parent REFERENCES parent (id) ON DELETE RESTRICT)",
    "INSERT INTO parent VALUES (1)",
    "INSERT INTO child VALUES (1)",
    "CREATE TRIGGER kept BEFORE DELETE ON parent BEGIN SELECT RAISE(ABORT, 'never'); END",
)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "_APART", 0.0)
    monkeypatch.setattr("jobs.scratch._PAUSE", 0.0)
    monkeypatch.setattr("jobs.d1.load._PAUSE", 0.0)


def run(stage: LambdaStage, scheduled: str = SUNDAY, **more: Any) -> dict[str, Any]:
    return stage.call(drill.handler, "drill", scheduled, **more)


def record(stage: LambdaStage, stamped: str = "20261205T183000Z") -> Drill:
    found = drills.parsed(stage.read(drills.place(stamped), STATE))
    assert found
    return found


def names(stage: LambdaStage) -> set[str]:
    """Return the names of all databases of the account."""
    return {each["name"] for each in stage.api.result("GET", DATABASES)}


def backed_up(stage: LambdaStage) -> None:
    stage.call(backup.handler, "backup", NIGHT)


def noted(stage: LambdaStage, at: str, *, reasons: tuple[str, ...] = ()) -> None:
    """Note a drill that ended then."""
    held = Drill(datetime.fromisoformat(at), {"main": Tried("key", 1, {"restore": 1.0}, reasons)})
    stamped = at.replace("-", "").replace(":", "")[:15] + "Z"
    stage.s3.put_object(Bucket=STATE, Key=drills.place(stamped), Body=held.text().encode())


@pytest.mark.parametrize("statements", [WORDS, GUARDED, NASTY, ()], ids=["plain", "guarded", "nasty", "empty"])
def test_a_backup_is_restored_damaged_and_brought_back_both_ways(
    stage: LambdaStage, statements: tuple[str, ...]
) -> None:
    stage.database("main", statements)
    before = names(stage)
    backed_up(stage)
    assert run(stage)["summary"]["drilled"]
    held = record(stage)
    assert held.is_good
    one = held.databases["main"]
    assert one.backup == KEY.format("main", "main")
    assert {"fetch", "load", "compare", "restore", "rows-gone", "to-a-time", "tables-gone", "to-a-bookmark"} <= (
        one.seconds.keys()
    )
    assert stage.metric("RestoreSeconds", store="main") == [one.seconds["restore"]]
    assert stage.metric("DrillAgeDays")[0] < 1
    assert names(stage) == before, "nothing is left of it"


def test_the_database_that_it_makes_lies_where_the_stage_s_own_do(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    post, asked = Cloudflare.post, list[Any]()

    def noted_post(self: Cloudflare, path: str, body: Any, **more: Any) -> Any:
        asked.append(body)
        return post(self, path, body, **more)

    monkeypatch.setattr(Cloudflare, "post", noted_post)
    assert run(stage, location="apac")["summary"]["drilled"]
    assert [each for each in asked if "name" in each] == [
        {"name": "harbor-staging-d1-main-drill", "primary_location_hint": "apac"}
    ]


def test_the_stage_s_own_database_is_not_touched(stage: LambdaStage) -> None:
    file = stage.database("main", WORDS)
    backed_up(stage)
    stage.write("main", "INSERT INTO words VALUES (3, 'since')")
    before = file.read_bytes()
    run(stage)
    assert file.read_bytes() == before


def test_a_time_travel_that_does_not_bring_it_back_is_found(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    before = names(stage)
    monkeypatch.setattr(Scratch, "travel", lambda *_: None)
    with pytest.raises(JobFailed, match=r"after it was brought back to 20.*, it is not what was backed up"):
        run(stage)
    assert not record(stage).is_good
    assert names(stage) == before
    assert drills.standing(stage.s3, STATE).last is None


def test_a_time_travel_that_is_refused_fails_the_drill_and_leaves_nothing(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    before = names(stage)
    monkeypatch.setattr("jobs.cloudflare._PAUSES", ())
    stage.api.fail(PlannedFault("POST", f"{DATABASE}/time_travel/restore", Failing.BEFORE, 40))
    with pytest.raises(JobFailed, match=r"main: POST .*time_travel/restore"):
        run(stage)
    assert names(stage) == before
    assert "restore" in record(stage).databases["main"].seconds, "what it took until then is known"


def test_its_role_may_do_all_that_it_asks_of_s3(stage: LambdaStage, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings("staging")
    scope = aws_scope_of(settings.label("harbor"), settings)
    [job] = [each for each in jobs_of(settings, read_tasks()) if each.name == "drill"]
    buckets, asked = {VAULT: scope.vault, STATE: scope.state}, set[tuple[str, str]]()

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        action = {"ListObjectsV2": "ListBucket"}.get(model.name, model.name)
        key = f"/{params['Key']}" if "Key" in params else ""
        asked.add((f"s3:{action}", f"arn:aws:s3:::{buckets[params['Bucket']]}{key}"))

    stage.database("main", WORDS)
    backed_up(stage)
    session = boto3.Session()
    session.events.register("provide-client-params.s3", note)
    monkeypatch.setattr("jobs.run.boto3.client", session.client)
    run(stage)
    granted = [(set(each.actions), pattern) for each in job_grants(job, scope) for pattern in each.resources]
    wanting = {
        (action, what)
        for action, what in asked
        if not any(action in actions and fnmatchcase(what, pattern) for actions, pattern in granted)
    }
    assert len(asked) > 8
    assert not wanting


def test_damage_that_does_not_show_proves_nothing(stage: LambdaStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    monkeypatch.setattr(Scratch, "write", lambda *_: None)
    with pytest.raises(JobFailed, match=r"the damage \(rows-gone\) does not show"):
        run(stage)


def test_a_bad_backup_fails_the_drill_and_the_other_database_is_tried_all_the_same(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.database("other", WORDS)
    backed_up(stage)
    content = bytearray(stage.read(KEY.format("main", "main")))
    content[len(content) // 2] ^= 4
    stage.s3.put_object(Bucket=VAULT, Key=KEY.format("main", "main"), Body=bytes(content))
    with pytest.raises(JobFailed, match=r"1 of 2 databases could not be restored: main: .*damaged"):
        run(stage)
    held = record(stage)
    assert (bool(held.databases["main"].reasons), held.databases["other"].reasons) == (True, ())
    assert not held.is_good


def test_a_backup_that_is_known_to_be_bad_is_passed_over_and_named(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    stage.call(backup.handler, "backup", "2026-12-01T17:00:00Z")
    newer = Backup.of(KEY.format("main", "main").replace("20261130T", "20261201T"))
    assert newer
    bad = verified.Verdict(newer.key, datetime.now(UTC), ("rotten",), (), 2, 0.1, "3")
    stage.s3.put_object(Bucket=STATE, Key=verified.place(newer), Body=bad.text().encode())
    run(stage)
    one = record(stage).databases["main"]
    assert one.passed_over == (newer.key,)
    assert Backup.of(one.backup) is not None
    assert "20261130T" in one.backup


def test_a_stage_whose_every_backup_is_bad_says_so(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    for each in stage.listed(prefix="database/"):
        if (found := Backup.of(each)) and each == found.key:
            bad = verified.Verdict(each, datetime.now(UTC), ("rotten",), (), 2, 0.1, "3")
            stage.s3.put_object(Bucket=STATE, Key=verified.place(found), Body=bad.text().encode())
    with pytest.raises(JobFailed, match="main: every backup is known to be no good"):
        run(stage)
    assert not record(stage).is_good


class Killed(BaseException):
    """Lambda ended the process; nothing of Python's own is run any more."""


@pytest.mark.parametrize("step", ["load", "bookmark", "write", "travel"])
def test_what_a_killed_drill_left_is_removed_by_the_next_run_also_where_none_is_due(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    before = names(stage)

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as here:
        here.setattr(Scratch, step, killed)
        with pytest.raises(Killed):
            run(stage)
    assert names(stage) == before | {"harbor-staging-d1-main-drill"}
    noted(stage, "2026-12-06T00:00:00+00:00")
    assert run(stage, "2026-12-07T18:30:00+00:00")["summary"]["drilled"] is False
    assert names(stage) == before


def test_a_database_of_the_stage_that_is_called_like_the_drill_s_is_never_removed(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.database("main-drill", WORDS)
    with pytest.raises(JobFailed, match="is the name of a database of the stage"):
        run(stage)
    assert "harbor-staging-d1-main-drill" in names(stage)


def test_a_scratch_database_that_does_not_go_is_no_good_drill(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    monkeypatch.setattr("jobs.cloudflare._PAUSES", ())
    stage.api.fail(PlannedFault("DELETE", DATABASE, Failing.BEFORE, 40))
    with pytest.raises(JobFailed, match="DELETE /d1/database"):
        run(stage)
    assert not record(stage).is_good


def test_a_drill_is_held_on_the_first_sunday_or_after_one_that_was_missed_or_failed() -> None:
    zone = ZoneInfo("Asia/Tokyo")
    sunday = datetime.fromisoformat(SUNDAY)
    november = datetime.fromisoformat("2026-10-31T18:40:00+00:00")
    assert drills.is_due(None, sunday, zone)
    assert drills.is_due(november, sunday, zone)
    assert not drills.is_due(november, sunday - timedelta(days=1), zone)
    assert drills.is_due(november, sunday + timedelta(days=1), zone), "the day after a failure"
    assert not drills.is_due(sunday, sunday + timedelta(days=1), zone)
    assert not drills.is_due(sunday, datetime.fromisoformat("2027-01-02T14:59:00+00:00"), zone), "Saturday in Tokyo"
    assert drills.is_due(sunday, datetime.fromisoformat("2027-01-02T15:00:00+00:00"), zone), "Sunday in Tokyo"


def test_no_drill_is_held_where_one_was_good_and_a_person_may_ask_for_one(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    noted(stage, "2026-12-06T00:00:00+00:00")
    other = "2026-12-08T18:30:00+00:00"
    assert run(stage, other)["summary"] == {"drilled": False, "last": "2026-12-06T00:00:00+00:00"}
    event = {"scheduled": "2026-12-08T19:30:00+00:00", "cursor": {"now": True}}
    assert run(stage, event=event)["summary"]["drilled"]


def test_a_stage_without_a_backup_has_nothing_to_drill_with_and_is_not_overdue(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    assert run(stage)["summary"] == {"drilled": False, "without_backup": ["main"]}
    assert stage.metric("DrillAgeDays") == []
    assert drills.standing(stage.s3, STATE).counts_until is None


def test_what_was_never_drilled_counts_from_the_first_backup(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    found = drills.standing(stage.s3, STATE)
    assert found.last is None
    assert found.first is not None
    assert found.counts_until == found.first + timedelta(days=35)


def test_a_drill_that_failed_does_not_count_and_neither_does_what_is_no_record(stage: LambdaStage) -> None:
    noted(stage, "2026-11-01T00:00:00+00:00")
    noted(stage, "2026-12-01T00:00:00+00:00", reasons=("no",))
    stage.s3.put_object(Bucket=STATE, Key=drills.place("20261202T000000Z"), Body=b'{"format": 1, "good": true}')
    assert drills.standing(stage.s3, STATE).last == datetime(2026, 11, 1, tzinfo=UTC)
    changed = json.loads(stage.read(drills.place("20261201T000000Z"), STATE))
    assert drills.parsed(json.dumps({**changed, "good": True})) is None, "it says of itself what it is not"


def test_production_s_data_stays_there_and_its_account_has_no_drill(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    event = {"scheduled": SUNDAY, "cursor": {"now": True, "data": "production"}}
    with pytest.raises(JobFailed, match="nothing pseudonymises it yet"):
        run(stage, event=event)
    with pytest.raises(JobFailed, match="in production's account it could edit production's"):
        stage.call(drill.handler, "drill", "2026-12-06T18:30:00+00:00", stage="production")
    with pytest.raises(JobFailed, match="data: 'somebody' is not known"):
        run(stage, event={"scheduled": "2026-12-07T18:30:00+00:00", "cursor": {"data": "somebody"}})


def test_a_drill_that_takes_too_long_fails_and_goes_on_to_remove_what_it_made(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.database("main", WORDS)
    backed_up(stage)
    before = names(stage)
    context = Context()
    load = Scratch.load

    def slow(self: Scratch, *args: Any) -> None:
        load(self, *args)
        context.left = 20

    monkeypatch.setattr(Scratch, "load", slow)
    with pytest.raises(JobFailed, match="takes longer than one invocation lasts; it came to fetch, load"):
        run(stage, context=context)
    assert names(stage) == before


def test_a_run_whose_time_is_short_goes_on_in_another_invocation(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        stage.database(name, WORDS)
    backed_up(stage)
    monkeypatch.setattr(drill, "_SPARE", 1e6)
    assert run(stage)["status"] == "handed-over"
    (event,) = stage.invocations.events
    assert run(stage, event=event)["status"] == "done"
    assert record(stage).databases.keys() == {"one", "two"}
    assert record(stage).is_good
