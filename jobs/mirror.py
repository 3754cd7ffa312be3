"""The job that brings the product's R2 buckets to the vault, once a day (BAK-8)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from jobs.r2 import access
from jobs.r2.endpoint import r2_endpoint
from jobs.r2.index import IndexDamaged
from jobs.r2.mirroring import MirrorFailed, Progress, mirror
from jobs.r2.sides import Sides
from jobs.run import Done, HandOver, Job, JobFailed, Outcome, handler_of
from jobs.vault import minutes

_STATE: Final = "jobs/mirror/"
_AFTER: Final = "monthly"
"""What is deleted at R2 is kept as long as a copy of this tier."""


@dataclass(slots=True)
class _Cursor:
    """What is mirrored already, what went wrong, and how far the bucket is that is being mirrored."""

    mirrored: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    progress: Mapping[str, Any] | None = None


def work(job: Job) -> Outcome:
    """Mirror every bucket; one that fails keeps no other from it."""
    with closing(_r2(job)) as r2:
        return _work(job, r2, _Cursor(**(job.cursor or {})))


def _work(job: Job, r2: Any, cursor: _Cursor) -> Outcome:
    for name in sorted(job.config.buckets):
        if name in cursor.mirrored or name in cursor.problems:
            continue
        progress = Progress(**(cursor.progress or {"began": job.scheduled.isoformat()}))
        cursor.progress = None
        try:
            told = mirror(sides(job, r2, name), progress, job.remaining_seconds, job.require)
        except (MirrorFailed, IndexDamaged) as failed:
            cursor.problems[name] = str(failed)
            continue
        except (BotoCoreError, ClientError) as error:
            cursor.problems[name] = f"{name}: {error}"
            continue
        if told is None:
            cursor.progress = asdict(progress)
            return HandOver(asdict(cursor))
        _tell(job, name, told)
        cursor.mirrored[name] = told
        if progress.failed:
            named = "; ".join(progress.named)
            cursor.problems[name] = f"{name}: {progress.failed} objects are not mirrored: {named}"
    if cursor.problems:
        raise JobFailed("\n".join(cursor.problems.values()))
    return Done({"buckets": cursor.mirrored})


def sides(job: Job, r2: Any, name: str) -> Sides:
    """Return a bucket and its vault."""
    config = job.config
    return Sides(
        r2=r2,
        s3=job.aws.s3,
        name=name,
        bucket=config.buckets[name].name,
        vault=config.vault,
        state=config.state,
        parts=parts_of(name),
        given=job.vault.encrypted(),
        life=timedelta(days=config.lives[_AFTER]),
    )


def parts_of(bucket: str) -> str:
    """Return below which prefix of the state's bucket lies what one run of the mirror leaves to another."""
    return f"{_STATE}{bucket}/"


def _r2(job: Job) -> Any:
    with closing(job.cloudflare) as cloudflare:
        id_ = str(cloudflare.get("/tokens/verify")["id"])
    return access.client(r2_endpoint(job.config.cloudflare, job.config.account), id_, job.token())


def _tell(job: Job, name: str, told: Mapping[str, Any]) -> None:
    job.metric("BackupAgeMinutes", minutes(job.scheduled, job.now()), store=name)
    job.metric("BackupBytes", told["bytes"], "Bytes", store=name)


handler = handler_of(work)
