"""Every hour it is noted to which moment a database can go back, and how old its copies are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bulkhead.localclouds.api.faults import Failing, PlannedFault
from jobs import backup
from jobs.bookmark import handler
from jobs.run import JobFailed
from jobs.vault import moment
from tests.support.cloudflare_api import ACCOUNT
from tests.support.lambda_stage import VAULT, LambdaStage

DATABASE = "/accounts/{account_id}/d1/database/{database_id}"
WORDS = ("CREATE TABLE words (word)", "INSERT INTO words VALUES ('a')")


def hours_ago(hours: int) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")


def test_a_bookmark_that_was_noted_brings_the_database_back(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.call(handler, "bookmark", "2026-11-30T17:00:00Z")
    noted = json.loads(stage.read("bookmarks/main/20261130T170000Z.json"))
    stage.write("main", "DELETE FROM words")
    path = f"/accounts/{ACCOUNT}/d1/database/{noted['id']}/time_travel/restore?bookmark={noted['bookmark']}"
    stage.api.result("POST", path, {})
    assert stage.stage.d1_query(noted["id"], "SELECT word FROM words") == [{"word": "a"}]
    assert noted["database"] == "main"


def test_the_ages_of_bookmarks_and_backups_are_told(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    stage.call(backup.handler, "backup", hours_ago(30))
    stage.call(handler, "bookmark", hours_ago(0))
    assert max(stage.metric("BackupAgeMinutes", store="main")) == pytest.approx(30 * 60, abs=2)
    assert stage.metric("BookmarkAgeMinutes", store="main")[0] < 2


def test_the_age_goes_on_growing_where_no_bookmark_can_be_had_and_the_others_are_noted(stage: LambdaStage) -> None:
    for name in ("main", "other"):
        stage.database(name, WORDS)
    stage.call(handler, "bookmark", hours_ago(3))
    stage.monkeypatch.setattr("jobs.cloudflare._PAUSES", ())
    broken = PlannedFault("GET", f"{DATABASE}/time_travel/bookmark", Failing.BEFORE, 9, stage.databases["main"]["id"])
    stage.api.fail(broken)
    with pytest.raises(JobFailed, match="no bookmark of 1 of 2 databases: main: GET"):
        stage.call(handler, "bookmark", hours_ago(0))
    assert stage.metric("BookmarkAgeMinutes", store="main")[0] == pytest.approx(180, abs=2)
    assert len(stage.listed(prefix="bookmarks/other/")) == 2


def test_nothing_is_told_of_what_was_never_backed_up_or_only_half(stage: LambdaStage) -> None:
    stage.database("main", WORDS)
    key = "database/daily/main/backup_staging_main_20261130T170000Z"
    for end in (".sql.gz", ".txt"):
        stage.s3.put_object(Bucket=VAULT, Key=f"{key}{end}", Body=b"x")
    stage.call(handler, "bookmark", hours_ago(0))
    assert stage.metric("BackupAgeMinutes", store="main") == []
    stage.s3.put_object(Bucket=VAULT, Key=f"{key}.json", Body=b"x")
    stage.call(handler, "bookmark", (datetime.now(UTC) + timedelta(hours=1)).isoformat())
    expected = (datetime.now(UTC) - moment("20261130T170000Z")).total_seconds() / 60
    assert stage.metric("BackupAgeMinutes", store="main")[0] == pytest.approx(max(0, expected), abs=2)
