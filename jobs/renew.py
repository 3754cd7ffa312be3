"""Renews the locks of monthly and yearly copies, so that none of them stands open while it is kept (BAK-5).

A lock is counted anew when thirty days of it are over. The job looks every day: one that fails is noticed, and has days
left before the first lock ends. Whoever is to erase something from an old copy lets its lock end (see
`jobs/locks.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from jobs.folders import DATABASES
from jobs.locks import MODE, RENEWED_DAYS, ROLLING, renewed_until
from jobs.run import MARGIN, Done, HandOver, Job, JobFailed, Outcome, handler_of
from jobs.vault import Backup

_TOLD = 20
"""Copies named in a failure; the log has all."""


def work(job: Job) -> Outcome:
    """Renew what is due. Raises JobFailed naming the copies whose locks stay as they are."""
    if not job.config.locks:
        return Done({"renewed": 0, "looked": 0, "why": "this stage locks nothing"})
    cursor = job.cursor or {}
    after, renewed, looked = str(cursor.get("after", "")), int(cursor.get("renewed", 0)), int(cursor.get("looked", 0))
    failed: list[str] = list(cursor.get("failed", ()))
    for tier in ROLLING:
        for key in job.vault.keys(f"{DATABASES}{tier}/"):
            backup = Backup.of(key)
            if backup is None or key <= after:
                continue
            if job.remaining_seconds() < MARGIN:
                return HandOver({"after": after, "renewed": renewed, "looked": looked, "failed": failed})
            after, looked = key, looked + 1
            try:
                renewed += _renew(job, key, backup)
            except (BotoCoreError, ClientError) as error:
                job.log.failed(f"the lock of {key} was not renewed", error)
                failed = [*failed[: _TOLD - 1], key]
    if failed:
        raise JobFailed(f"locks were not renewed, of: {', '.join(failed)}; the job tries again tomorrow")
    return Done({"renewed": renewed, "looked": looked})


def _renew(job: Job, key: str, backup: Backup) -> bool:
    """Whether the lock of a copy was due, and is renewed."""
    config, now, about = job.config, job.now(), {"Bucket": job.config.vault, "Key": key}
    until = renewed_until(backup.tier, backup.at, now, config.locks, config.lives)
    if until is None or until <= (ends := _ends(job.aws.s3.head_object(**about), now)):
        return False
    due = timedelta(days=config.locks[backup.tier] - RENEWED_DAYS)
    if ends - now > due:
        return False
    job.aws.s3.put_object_retention(**about, Retention={"Mode": MODE, "RetainUntilDate": until})
    return True


def _ends(head: Any, now: datetime) -> datetime:
    """Return when a copy's lock ends; ``now`` where it has none."""
    ends: datetime | None = head.get("ObjectLockRetainUntilDate")
    return now if ends is None else ends


handler = handler_of(work)
