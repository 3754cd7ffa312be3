"""The job that renews the locks of monthly and yearly copies, on a local S3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from jobs import run
from jobs.folders import Tier
from jobs.renew import handler
from jobs.run import JobFailed
from jobs.vault import Backup, stamp
from tests.support.lambda_stage import Context, LambdaStage

LOCKED: Final = "harbor-production-vault"
LOCKS: Final = {"daily": 7, "weekly": 28, "monthly": 35, "yearly": 35, "interim": 7}
DAY: Final = timedelta(days=1)
NOW: Final = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def locked(stage: LambdaStage) -> None:
    stage.s3.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)


def keep(stage: LambdaStage, tier: Tier, age: float, ends_in: float | None) -> str:
    """Write a copy as old as that, whose lock ends so many days from now."""
    backup = Backup(NOW - age * DAY, "main", "production", tier)
    for key in (backup.key, backup.manifest):
        stage.s3.put_object(Bucket=LOCKED, Key=key, Body=b"x")
        if ends_in is not None:
            lock = {"Mode": "GOVERNANCE", "RetainUntilDate": NOW + ends_in * DAY}
            stage.s3.put_object_retention(Bucket=LOCKED, Key=key, Retention=lock)
    return backup.key


def renew(stage: LambdaStage, **other: Any) -> dict[str, Any]:
    return stage.call(handler, "renew", NOW.isoformat(), **{"vault": LOCKED, "locks": LOCKS, **other})


def ends(stage: LambdaStage, key: str) -> float | None:
    """Return in how many days the lock of a copy ends; of both its objects, which have to agree."""
    keys = (key, key.replace(".sql.gz", ".json"))
    found = {stage.s3.head_object(Bucket=LOCKED, Key=each).get("ObjectLockRetainUntilDate") for each in keys}
    assert max(found, default=None) is None or max(found) - min(found) < timedelta(minutes=1)
    until = found.pop()
    return None if until is None else round((until - NOW) / DAY, 2)


@pytest.mark.parametrize(
    ("tier", "age", "ends_in", "then"),
    [
        (Tier.MONTHLY, 31, 4, 35),
        (Tier.YEARLY, 400, 5, 35),
        (Tier.MONTHLY, 60, None, 35),  # the lock has ended, or never was
        (Tier.MONTHLY, 20, 15, 15),  # not due
        (Tier.MONTHLY, 350, 2, 16),  # no longer than it is kept
        (Tier.MONTHLY, 367, None, None),  # past its life: it may go
        (Tier.WEEKLY, 20, 2, 2),  # locked for all of its life
        (Tier.DAILY, 6, 1, 1),
    ],
)
def test_a_lock_is_renewed_when_it_is_due(
    stage: LambdaStage, tier: Tier, age: float, ends_in: float | None, then: float | None
) -> None:
    key = keep(stage, tier, age, ends_in)
    answer = renew(stage)
    assert answer["status"] == "done"
    assert ends(stage, key) == (None if then is None else pytest.approx(then, abs=0.02))
    assert answer["summary"]["renewed"] == (2 if then != ends_in else 0)


def test_a_second_run_renews_nothing(stage: LambdaStage) -> None:
    keep(stage, Tier.MONTHLY, 31, 4)
    assert renew(stage)["summary"] == {"renewed": 2, "looked": 2}
    again = stage.call(handler, "renew", (NOW + DAY).isoformat(), vault=LOCKED, locks=LOCKS)
    assert again["summary"] == {"renewed": 0, "looked": 2}


def test_a_stage_that_locks_nothing_renews_nothing(stage: LambdaStage) -> None:
    key = keep(stage, Tier.MONTHLY, 60, None)
    assert renew(stage, locks={})["summary"]["renewed"] == 0
    assert ends(stage, key) is None


def test_what_is_no_backup_is_left_alone(stage: LambdaStage) -> None:
    stage.s3.put_object(Bucket=LOCKED, Key="database/monthly/main/notes.txt", Body=b"x")
    assert renew(stage)["summary"] == {"renewed": 0, "looked": 0}


def test_a_lock_that_cannot_be_renewed_is_named_and_the_others_are_renewed(stage: LambdaStage) -> None:
    bad, good = keep(stage, Tier.MONTHLY, 40, 3), keep(stage, Tier.MONTHLY, 31, 4)

    class Refusing(run.Aws):
        @property
        def s3(self) -> Any:
            client = super().s3
            real = client.put_object_retention

            def refuse(**request: Any) -> Any:
                if request["Key"] == bad:
                    raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObjectRetention")
                return real(**request)

            client.put_object_retention = refuse
            return client

    stage.monkeypatch.setattr(run, "Aws", Refusing)
    with pytest.raises(JobFailed, match=bad):
        renew(stage)
    assert ends(stage, good) == pytest.approx(35, abs=0.02)


def test_a_run_that_comes_near_its_end_goes_on_where_it_was(stage: LambdaStage) -> None:
    keep(stage, Tier.MONTHLY, 31, 4)
    assert stage.call(handler, "renew", NOW.isoformat(), context=Context(1), vault=LOCKED, locks=LOCKS) == {
        "status": "handed-over",
        "run": stamp(NOW),
    }
    (event,) = stage.invocations.events
    assert stage.call(handler, "renew", event=event, vault=LOCKED, locks=LOCKS)["summary"]["renewed"] == 2
