"""Backups are read back: what is whole is noted as whole, and whatever is not says so and calls."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from jobs import backup, verified, verify
from jobs.d1.load import Interrupted, into_file
from jobs.run import JobFailed
from jobs.vault import Backup, Vault
from tests.support.d1_databases import NASTY
from tests.support.lambda_stage import STATE, VAULT, Context, LambdaStage

DAYS = [f"2026-11-{day:02}T17:00:00+00:00" for day in range(1, 10)]
DAILY = "database/daily/{}/backup_staging_{}_{}.sql.gz"
ORPHAN = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
    "CREATE TABLE child (parent REFERENCES parent (id))",
    "INSERT INTO child VALUES (1), (2)",
)


def key(day: str, database: str = "main") -> str:
    stamped = day.replace("-", "").replace(":", "")[:15] + "Z"
    return DAILY.format(database, database, stamped)


def verdict(stage: LambdaStage, key: str) -> verified.Verdict:
    found = Backup.of(key)
    assert found
    read = verified.parsed(stage.read(verified.place(found), STATE))
    assert read
    return read


def backed_up(stage: LambdaStage, *days: str) -> None:
    for day in days:
        stage.call(backup.handler, "backup", day)


def run(stage: LambdaStage, scheduled: str = "2026-11-30T19:00:00+00:00", **more: Any) -> dict[str, Any]:
    return stage.call(verify.handler, "verify", scheduled, **more)


def test_the_newest_backup_of_each_database_is_loaded_and_compared(stage: LambdaStage) -> None:
    stage.database("main", NASTY)
    stage.database("other", ORPHAN[:1])
    stage.database("fresh", ())
    backed_up(stage, DAYS[0])
    stage.database("later", ORPHAN[:1])
    summary = run(stage)["summary"]
    assert {key(DAYS[0], name) for name in ("main", "other", "fresh")} <= set(summary["good"])
    assert summary["without_backup"] == ["later"]
    found = verdict(stage, key(DAYS[0]))
    assert (found.is_good, found.notes, found.sqlite) == (True, (), sqlite3.sqlite_version)
    assert found.rows > 40
    assert stage.metric("BackupVerified", store="main") == [1.0]
    assert len(stage.metric("RestoreSeconds", store="main")) == 1


def test_older_backups_are_looked_at_again_in_turn(stage: LambdaStage) -> None:
    stage.database("main", ORPHAN[:1])
    backed_up(stage, *DAYS)
    daily = {key(day) for day in DAYS}
    seen = list[set[str]]()
    for number in range(6):
        good = set(run(stage, f"2026-11-{number + 20}T19:00:00+00:00")["summary"]["good"])
        assert key(DAYS[-1]) in good
        assert len(good) == 4
        seen.append(good - {key(DAYS[-1])})
    assert daily <= set.union(*seen) | {key(DAYS[-1])}, "each had its turn"
    assert seen[0].isdisjoint(seen[1])


def damaged(stage: LambdaStage, where: str) -> None:
    content = bytearray(stage.read(where))
    content[len(content) // 2] ^= 4
    stage.s3.put_object(Bucket=VAULT, Key=where, Body=bytes(content))


def test_a_backup_that_rotted_is_named_and_the_others_are_read_all_the_same(stage: LambdaStage) -> None:
    stage.database("main", NASTY)
    stage.database("other", ORPHAN[:1])
    backed_up(stage, DAYS[0])
    damaged(stage, key(DAYS[0]))
    with pytest.raises(JobFailed, match=r"daily/main/backup_staging_main_20261101T170000Z\.sql\.gz: .*damaged"):
        run(stage)
    assert not verdict(stage, key(DAYS[0])).is_good
    assert verdict(stage, key(DAYS[0], "other")).is_good
    told = {"environment": "staging", "product": "harbor", "store": "main"}
    found = stage.cloudwatch.get_metric_statistics(
        Namespace="Bulkhead",
        MetricName="BackupVerified",
        Dimensions=[{"Name": name, "Value": value} for name, value in told.items()],
        StartTime="2020-01-01T00:00:00Z",
        EndTime="2040-01-01T00:00:00Z",
        Period=86400,
        Statistics=["Minimum"],
    )
    assert [each["Minimum"] for each in found["Datapoints"]] == [0.0]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("manifest", "the manifest cannot be used: the manifest is damaged"),
        ("missing", "the dump, or its manifest, is not there any more"),
        ("swapped", "the dump is of harbor/staging/other, not of harbor/staging/main"),
    ],
)
def test_what_cannot_be_read_back_says_why(what: str, told: str, stage: LambdaStage, tmp_path: Path) -> None:
    stage.database("main", ORPHAN[:1])
    stage.database("other", ORPHAN[:1])
    backed_up(stage, DAYS[0])
    mine = Backup.of(key(DAYS[0]))
    assert mine
    vault = Vault(stage.s3, VAULT, "")
    if what == "manifest":
        stage.s3.put_object(Bucket=VAULT, Key=mine.manifest, Body=b"{}")
    elif what == "missing":
        stage.s3.delete_object(Bucket=VAULT, Key=mine.key)
    else:
        theirs = Backup.of(key(DAYS[0], "other"))
        assert theirs
        for one, another in ((mine.key, theirs.key), (mine.manifest, theirs.manifest)):
            stage.s3.put_object(Bucket=VAULT, Key=one, Body=stage.read(another))
    found = verify.read_back(vault, mine, of="harbor/staging/main", folder=tmp_path)
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith(told)
    assert not any(tmp_path.glob("backup.sqlite*"))


def test_rows_without_parents_are_no_fault_where_the_database_has_them_and_one_where_the_moment_differs(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.database("main", ORPHAN)
    backed_up(stage, DAYS[0])
    run(stage)
    found = verdict(stage, key(DAYS[0]))
    assert found.notes == (
        "table child: 2 rows reference no row of parent, as in the database itself; D1 refuses to load them",
    )
    monkeypatch.setattr("jobs.d1.manifest.Manifest.is_consistent", False)
    stage.s3.put_object(
        Bucket=VAULT,
        Key=key(DAYS[0]).replace(".sql.gz", ".json"),
        Body=stage.read(key(DAYS[0]).replace(".sql.gz", ".json")).replace(
            b'"consistent": true', b'"consistent": false'
        ),
    )
    with pytest.raises(JobFailed, match=r"table child: 2 rows .* it is of no one moment, and D1 refuses to load it"):
        run(stage, "2026-11-30T20:00:00+00:00")


def test_a_run_whose_time_is_short_goes_on_in_another_invocation(stage: LambdaStage) -> None:
    for name in ("one", "two"):
        stage.database(name, ORPHAN[:1])
    backed_up(stage, DAYS[0])
    assert run(stage, context=Context(left=200))["status"] == "handed-over"
    (event,) = stage.invocations.events
    done = run(stage, event=event)
    assert done["status"] == "done"
    assert {key(DAYS[0], "one"), key(DAYS[0], "two")} <= set(done["summary"]["good"])


def test_a_backup_that_takes_too_long_is_no_bad_one(stage: LambdaStage) -> None:
    stage.database("main", NASTY)
    backed_up(stage, DAYS[0])
    with pytest.raises(JobFailed, match="takes longer than one invocation lasts"):
        run(stage, context=Context(left=10))
    assert stage.listed(STATE, verified.VERIFIED) == []
    assert stage.metric("BackupVerified", store="main") == []


def test_a_full_disk_is_no_fault_of_the_backup(stage: LambdaStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.database("main", NASTY)
    backed_up(stage, DAYS[0])
    connect = sqlite3.connect

    def small(file: Path, **options: Any) -> Any:
        connection = connect(file, **options)
        if str(file).endswith("backup.sqlite"):
            connection.execute("PRAGMA max_page_count = 20")
        return connection

    monkeypatch.setattr("jobs.d1.load.sqlite3.connect", small)
    with pytest.raises(JobFailed, match=r"No space left on device\. fix: give the job more room for files"):
        run(stage)
    assert stage.listed(STATE, verified.VERIFIED) == []


def test_a_load_ends_when_it_may_not_go_on_and_leaves_nothing(stage: LambdaStage, tmp_path: Path) -> None:
    stage.database("main", NASTY)
    backed_up(stage, DAYS[0])
    mine = Backup.of(key(DAYS[0]))
    assert mine
    vault = Vault(stage.s3, VAULT, "")
    left = iter([True, True])
    with vault.open(mine.key) as dump, pytest.raises(Interrupted):
        into_file(
            dump,
            verify.manifest_of(vault, mine),
            tmp_path / "back.sqlite",
            source="harbor/staging/main",
            may_go_on=lambda: next(left, False),
        )
    assert not any(tmp_path.glob("back.sqlite*"))


def test_a_verdict_is_read_as_it_was_written_and_what_is_none_is_not(stage: LambdaStage) -> None:
    stage.database("main", NASTY)
    backed_up(stage, DAYS[0])
    run(stage)
    found = verdict(stage, key(DAYS[0]))
    assert verified.parsed(found.text()) == found
    for text in ("", "{}", "[]", found.text().replace('"format": 1', '"format": 2'), found.text()[:-9]):
        assert verified.parsed(text) is None
