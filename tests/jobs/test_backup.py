"""A backup is taken whole, in the tiers that are due, or it is none."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.api.faults import Failing, PlannedFault
from jobs import backup, run
from jobs.backup import handler
from jobs.cloudflare import D1
from jobs.d1.load import LoadFailed, into_file
from jobs.d1.manifest import Manifest, parsed
from jobs.folders import Tier
from jobs.run import JobFailed
from jobs.vault import Backup
from tests.support.d1_databases import NASTY, contents
from tests.support.lambda_stage import LIVES, VAULT, Context, LambdaStage

NIGHT = "2026-11-30T17:00:00Z"  # two o'clock on 1 December, a Tuesday, in Tokyo
RUN = "20261130T170000Z"
WORDS = ("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)", "INSERT INTO words VALUES (1, 'a'), (2, 'b')")


def manifest_of(stage: LambdaStage, one: Backup) -> Manifest:
    return parsed(stage.read(one.manifest).decode())


def backups(stage: LambdaStage, prefix: str = "database/") -> list[Backup]:
    """Return what counts as a backup."""
    keys = set(stage.listed(prefix=prefix))
    found = [Backup.of(key) for key in keys if key.endswith(".json")]
    assert None not in found
    return sorted(each for each in found if each and each.key in keys)


def restored(stage: LambdaStage, one: Backup, folder: Path) -> Path:
    file = folder / f"{one.tier}-{one.database}.sqlite"
    manifest = manifest_of(stage, one)
    into_file(io.BytesIO(stage.read(one.key)), manifest, file, source=f"harbor/staging/{one.database}")
    return file


def test_every_database_is_backed_up_in_each_tier_and_comes_back(stage: LambdaStage, tmp_path: Path) -> None:
    files = {"main": stage.database("main", NASTY), "audit": stage.database("audit", WORDS)}
    answer = stage.call(handler, "backup", NIGHT)
    assert answer["status"] == "done"
    found = backups(stage)
    assert {(each.database, each.tier) for each in found} == {
        (name, tier) for name in files for tier in (Tier.DAILY, Tier.WEEKLY, Tier.MONTHLY, Tier.YEARLY)
    }
    assert f"database/daily/main/backup_staging_main_{RUN}.sql.gz" in stage.listed()
    for each in found:
        assert contents(restored(stage, each, tmp_path)) == contents(files[each.database])
        manifest = manifest_of(stage, each)
        assert manifest.is_consistent
        assert manifest.gzip is not None
        assert manifest.gzip.bytes == len(stage.read(each.key))
        assert set(manifest.versions) == {"jobs", "python", "sqlite"}
    assert manifest_of(stage, Backup.of(f"database/daily/main/backup_staging_main_{RUN}.json")).migrations == (  # type: ignore[arg-type]
        "0001_first.sql",
        "0002_second.sql",
    )
    head = stage.s3.head_object(Bucket=VAULT, Key=found[0].key)
    assert (head["ServerSideEncryption"], head["ContentType"]) == ("aws:kms", "application/gzip")


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_pages_that_are_read_ahead_are_the_same_ones(stage: LambdaStage, tmp_path: Path, rows: int) -> None:
    stage.monkeypatch.setattr("jobs.d1.once._STATEMENTS", 0)
    stage.monkeypatch.setattr("jobs.d1.pages.MOST", rows)
    file = stage.database("main", NASTY)
    stage.call(handler, "interim", NIGHT)
    (one,) = backups(stage)
    assert not manifest_of(stage, one).at_once
    assert contents(restored(stage, one, tmp_path)) == contents(file)


def test_a_row_that_goes_while_pages_are_read_ahead_makes_no_wrong_backup(stage: LambdaStage, tmp_path: Path) -> None:
    stage.monkeypatch.setattr("jobs.d1.once._STATEMENTS", 0)
    stage.monkeypatch.setattr("jobs.d1.pages.MOST", 3)
    long = "hex(zeroblob(40000))"
    stage.database("main", ("CREATE TABLE t (v)", *[f"INSERT INTO t VALUES ({long})" for _ in range(20)]))
    query, asked = D1.query, list[str]()

    def meddled(self: D1, sql: str) -> Any:
        asked.append(sql)
        if len(asked) % 9 == 0:
            stage.write("main", "DELETE FROM t WHERE rowid = (SELECT max(rowid) FROM t)")
        return query(self, sql)

    stage.monkeypatch.setattr(D1, "query", meddled)
    stage.call(handler, "interim", NIGHT)
    (one,) = backups(stage)
    assert not manifest_of(stage, one).is_consistent
    restored(stage, one, tmp_path)  # and what it holds is what it says


def test_what_is_in_the_vault_is_plain_gzip_of_plain_sql_without_a_time(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.call(handler, "backup", NIGHT)
    packed = stage.read(f"database/daily/main/backup_staging_main_{RUN}.sql.gz")
    assert packed[4:8] == bytes(4)
    assert b"INSERT INTO" in gzip.decompress(packed)


def test_the_next_night_goes_to_the_daily_tier_alone(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.call(handler, "backup", NIGHT)
    stage.call(handler, "backup", "2026-12-01T17:00:00Z")
    assert [each.tier for each in backups(stage) if each.at.day == 1] == [Tier.DAILY]


def test_an_interim_backup_is_in_its_own_tier(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.call(handler, "interim", NIGHT)
    assert [each.tier for each in backups(stage)] == [Tier.INTERIM]


def test_a_tier_that_the_stage_does_not_keep_is_not_written(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    lives = {"daily": 7, "weekly": 28}
    stage.call(handler, "backup", NIGHT, lives=lives)
    assert {each.tier for each in backups(stage)} == {Tier.DAILY, Tier.WEEKLY}
    with pytest.raises(JobFailed, match="the stage keeps no interim backups"):
        stage.call(handler, "interim", NIGHT, lives=lives)


def test_numbers_are_put_for_each_database(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.call(handler, "backup", NIGHT)
    (size,) = stage.metric("BackupBytes", store="main")
    assert size == len(stage.read(f"database/daily/main/backup_staging_main_{RUN}.sql.gz"))
    assert stage.metric("DatabaseBytes", store="main") == [4096]
    assert stage.metric("BackupShrank", store="main") == [0]
    assert stage.metric("BackupAgeMinutes", store="main")[0] < 1


def test_a_copy_is_locked_by_its_tier(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    asked = list[dict[str, Any]]()

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(dict(params))

    class Watched(run.Aws):
        @property
        def s3(self) -> Any:
            client = super().s3
            for operation in ("CreateMultipartUpload", "PutObject"):
                client.meta.events.register_first(f"before-parameter-build.s3.{operation}", note)
            return client

    stage.monkeypatch.setattr(run, "Aws", Watched)
    with pytest.raises(JobFailed, match="InvalidRequest"):  # moto's bucket has no lock, which S3 refuses as well
        stage.call(handler, "backup", NIGHT, lives={"daily": 7, "weekly": 28}, locks={"daily": 7, "weekly": 28})
    days = {
        str(each["Key"]).split("/")[1]: (each["ObjectLockRetainUntilDate"])
        for each in asked
        if "ObjectLockMode" in each
    }
    assert (days["weekly"] - days["daily"]).days == 21


def test_a_database_that_lost_most_of_its_rows_is_backed_up_and_told(
    stage: LambdaStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.database("main", (*WORDS, "INSERT INTO words VALUES (3, 'c'), (4, 'd'), (5, 'e')"))
    stage.call(handler, "backup", NIGHT)
    stage.write("main", "DELETE FROM words WHERE id > 2")
    answer = stage.call(handler, "backup", "2026-12-01T17:00:00Z")
    assert answer["summary"]["databases"]["main"]["shrank_from"] == 5
    assert stage.metric("BackupShrank", store="main") == [1]
    assert "main has 2 rows; the backup before has 5" in capsys.readouterr().out
    assert len(backups(stage, "database/daily/")) == 2


@pytest.mark.parametrize(("size", "is_taken"), [(2_000_000_000, True), (4_000_000_000, True), (4_000_000_001, False)])
def test_a_database_that_is_too_large_is_refused_by_name_and_the_others_are_not(
    stage: LambdaStage, size: int, is_taken: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.database("main", WORDS)
    stage.database("other", WORDS)
    large, query = stage.databases["main"]["id"], D1.query

    def told(self: D1, sql: str) -> Any:
        found = query(self, sql)
        if large in self.path:
            self.bytes = size
        return found

    stage.monkeypatch.setattr(D1, "query", told)
    if is_taken:
        stage.call(handler, "backup", NIGHT)
        assert f"main has {size} bytes; from 4000000000 on it is not backed up" in capsys.readouterr().out
    else:
        with pytest.raises(JobFailed, match="1 of 2 databases were not backed up: main: it has 4000000001 bytes"):
            stage.call(handler, "backup", NIGHT)
    assert stage.metric("DatabaseBytes", store="main") == [size]
    assert ("main" in {each.database for each in backups(stage)}) == is_taken
    assert "other" in {each.database for each in backups(stage)}


def test_lambda_s_second_try_does_what_failed_and_no_more(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.database("other", WORDS)
    fault = PlannedFault("POST", f"{_DATABASE}/raw", Failing.BEFORE, 40, stage.databases["other"]["id"])
    stage.monkeypatch.setattr("jobs.cloudflare._PAUSES", ())
    stage.api.fail(fault)
    with pytest.raises(JobFailed, match="1 of 2 databases were not backed up: other: POST"):
        stage.call(handler, "backup", NIGHT)
    before = {key: stage.read(key) for key in stage.listed()}
    stage.api.fail()
    answer = stage.call(handler, "backup", NIGHT)
    assert answer["summary"]["databases"]["main"]["already"]
    assert before.items() <= {key: stage.read(key) for key in stage.listed()}.items()
    assert {each.database for each in backups(stage, "database/daily/")} == {"main", "other"}


def test_a_second_try_leaves_alone_what_is_there_also_when_somebody_took_a_backup_meanwhile(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.database("other", WORDS)
    stage.monkeypatch.setattr("jobs.cloudflare._PAUSES", ())
    stage.api.fail(PlannedFault("POST", f"{_DATABASE}/raw", Failing.BEFORE, 40, stage.databases["other"]["id"]))
    with pytest.raises(JobFailed):
        stage.call(handler, "backup", NIGHT)
    stage.api.fail()
    stage.call(handler, "by-hand", "2026-11-30T17:01:30Z")
    asked = list[str]()
    query = D1.together

    def watched(self: D1, statements: Any) -> Any:
        asked.append(self.path)
        return query(self, statements)

    stage.monkeypatch.setattr(D1, "together", watched)
    assert stage.call(handler, "backup", NIGHT)["summary"]["databases"]["main"]["already"]
    assert not [path for path in asked if stage.databases["main"]["id"] in path]


_DATABASE = "/accounts/{account_id}/d1/database/{database_id}"


def test_a_token_that_cloudflare_does_not_know_is_told_without_it(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    made: Any = run.Aws().ssm
    made.put_parameter(Name=stage.told("backup")["token_parameter"], Value="expired-token-value", Overwrite=True)
    with pytest.raises(JobFailed, match="fix: store a token") as failed:
        stage.call(handler, "backup", NIGHT)
    assert "expired-token-value" not in str(failed.value)
    assert "expired-token-value" not in json.dumps(stage.record("backup", RUN))


def test_a_database_that_is_written_to_is_dumped_once_more_and_then_called_fuzzy(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.monkeypatch.setattr("jobs.d1.once._STATEMENTS", 0)  # as one that is too large for a batch
    taken, bookmark = list[str](), D1.bookmark

    def restless(self: D1) -> str:
        taken.append("taken")
        stage.write("main", f"INSERT INTO words VALUES ({10 + len(taken)}, 'x')")
        return bookmark(self)

    stage.monkeypatch.setattr(D1, "bookmark", restless)
    answer = stage.call(handler, "backup", NIGHT)
    assert len(taken) == 4
    assert answer["summary"]["databases"]["main"]["consistent"] is False
    (daily,) = backups(stage, "database/daily/")
    assert not manifest_of(stage, daily).is_consistent


def test_a_database_that_holds_still_the_second_time_is_of_one_moment(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.monkeypatch.setattr("jobs.d1.once._STATEMENTS", 0)
    taken, bookmark = list[str](), D1.bookmark

    def once(self: D1) -> str:
        taken.append("taken")
        if len(taken) == 2:
            stage.write("main", "INSERT INTO words VALUES (9, 'x')")
        return bookmark(self)

    stage.monkeypatch.setattr(D1, "bookmark", once)
    answer = stage.call(handler, "backup", NIGHT)
    assert (
        answer["summary"]["databases"]["main"] | {"consistent": True, "rows": 3}
        == answer["summary"]["databases"]["main"]
    )
    assert stage.s3.list_multipart_uploads(Bucket=VAULT).get("Uploads", []) == []


def test_a_run_near_its_end_hands_over_the_databases_that_are_left(stage: LambdaStage) -> None:
    for name in ("a", "b", "c"):
        stage.database(name, WORDS)
    context, take = Context(), backup.take

    def slow(*given: Any, **named: Any) -> Manifest:
        made = take(*given, **named)
        context.left = 100.0  # too little for one of which nothing is known
        return made

    stage.monkeypatch.setattr(backup, "take", slow)
    assert stage.call(handler, "backup", NIGHT, context=context)["status"] == "handed-over"
    assert stage.invocations.events[0]["cursor"]["left"] == ["b", "c"]
    for number in (0, 1):
        context.left = 900.0
        answer = stage.call(handler, "backup", event=stage.invocations.events[number], context=context)
    assert sorted(answer["summary"]["databases"]) == ["a", "b", "c"]
    assert {each.database for each in backups(stage, "database/daily/")} == {"a", "b", "c"}


def test_a_second_try_of_a_later_part_tries_what_failed_in_an_earlier_one(stage: LambdaStage) -> None:
    for name in ("a", "b"):
        stage.database(name, WORDS)
    cursor = {"left": ["b"], "taken": {}, "failed": {"a": "no answer"}}
    event = {"scheduled": NIGHT, "part": 2, "cursor": cursor}
    with pytest.raises(JobFailed, match="1 of 2 databases were not backed up: a: no answer"):
        stage.call(handler, "backup", event=event)
    answer = stage.call(handler, "backup", event=event)
    assert sorted(answer["summary"]["databases"]) == ["a", "b"]


def test_a_database_that_one_invocation_is_too_short_for_is_told_by_name_and_leaves_nothing(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.database("other", WORDS)
    with pytest.raises(JobFailed, match="main: its 4096 bytes need more time than one invocation has"):
        stage.call(handler, "backup", NIGHT, context=Context(left=30.0), event={"scheduled": NIGHT, "cursor": ONE})
    assert stage.listed() == []
    assert stage.s3.list_multipart_uploads(Bucket=VAULT).get("Uploads", []) == []


ONE = {"left": ["main"], "taken": {}, "failed": {}}


class Killed(BaseException):
    """Nothing runs any more after this."""


def test_killed_at_every_call_a_run_leaves_whole_backups_or_none(stage: LambdaStage, tmp_path: Path) -> None:
    stage.database("main", WORDS)
    number = 0
    while _dies(stage, number):
        for each in backups(stage):
            folder = tmp_path / f"{number}"
            folder.mkdir(exist_ok=True)
            restored(stage, each, folder)
        number += 1
    assert number > 15
    assert {each.tier for each in backups(stage)} == {Tier.DAILY, Tier.WEEKLY, Tier.MONTHLY, Tier.YEARLY}


def _dies(stage: LambdaStage, number: int) -> bool:
    """Run until call ``number`` to S3, and nothing after it is done; return whether there was one."""
    for key in stage.listed():
        stage.s3.delete_object(Bucket=VAULT, Key=key)
    for key in stage.listed("harbor-staging-state"):
        stage.s3.delete_object(Bucket="harbor-staging-state", Key=key)
    calls = 0

    def count(**_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > number:
            raise Killed

    class Mortal(run.Aws):
        @property
        def s3(self) -> Any:
            client = super().s3
            client.meta.events.register_first("before-call.s3", count, unique_id="count")
            return client

    with stage.monkeypatch.context() as patched:
        patched.setattr(run, "Aws", Mortal)
        try:
            stage.call(handler, "backup", NIGHT)
        except Killed:
            return True
    return False


def test_a_dump_of_another_stage_is_not_taken_for_this_one_s(stage: LambdaStage, tmp_path: Path) -> None:
    stage.database("main", WORDS)
    stage.call(handler, "backup", NIGHT)
    (daily,) = backups(stage, "database/daily/")
    dump = io.BytesIO(stage.read(daily.key))
    with pytest.raises(LoadFailed, match="harbor/staging/main, not of harbor/production/main"):
        into_file(dump, manifest_of(stage, daily), tmp_path / "x.sqlite", source="harbor/production/main")


def test_a_manifest_that_cannot_be_read_does_not_stop_the_next_backup(
    stage: LambdaStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.database("main", WORDS)
    stage.call(handler, "backup", NIGHT)
    (daily,) = backups(stage, "database/daily/")
    for each in backups(stage):
        stage.s3.put_object(Bucket=VAULT, Key=each.manifest, Body=b"{")
    stage.call(handler, "backup", "2026-12-01T17:00:00Z")
    assert "the last manifest of main cannot be read" in capsys.readouterr().out
    assert LIVES["daily"] == 7
    assert daily.at.day == 30
