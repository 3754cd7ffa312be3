"""Backs up every database of the stage: a dump and its manifest, in each tier that is due (BAK-1, BAK-2, BAK-4, BAK-6).

A dump of one database cannot be continued: its pages are of one moment only while nobody writes, and what was packed so
far is in the memory of the invocation that dies. So a run that comes near its end hands over the databases that are
left, and a database that does not fit into one invocation by itself is a failure with its name.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from jobs.cloudflare import D1, CloudflareFailed
from jobs.d1.dump import dump
from jobs.d1.manifest import Manifest, Unreadable, parsed
from jobs.d1.packed import Packing
from jobs.d1.schema import SQLITE, DumpFailed
from jobs.folders import Tier
from jobs.locks import MODE, locked_until
from jobs.run import MARGIN, Done, HandOver, Job, JobFailed, Outcome, handler_of
from jobs.streams import StreamFailed
from jobs.vault import Backup, Vault, due, minutes

INTERIM: Final = "interim"
"""The task whose backups are of the tier of this name; any other one's are full."""
LARGEST: Final = 4_000_000_000  # bytes of a database; see docs/adr/0032
LARGE: Final = 2_000_000_000  # from which on somebody should do something about it
_USUAL: Final = 240.0  # seconds that a database may take of which no backup tells
_SPARE: Final = 2.0  # how many times as long as last time a database may take
_SHRUNK: Final = 0.5  # of the rows before
_FAILURES: Final = (BotoCoreError, ClientError, CloudflareFailed, DumpFailed, JobFailed, StreamFailed)


class OutOfTime(Exception):
    """The invocation ends before the dump does."""


@dataclass(frozen=True, slots=True)
class Before:
    """What is in the vault of a database."""

    newest: Mapping[Tier, Backup]
    manifest: Manifest | None
    """Of the newest backup of all; None where there is none, or it cannot be read."""

    @property
    def needed(self) -> float:
        """How many seconds the next backup may need."""
        return MARGIN + (self.manifest.seconds * _SPARE if self.manifest else _USUAL)

    @property
    def rows(self) -> int:
        return self.manifest.rows if self.manifest else 0


def source(product: str, environment: str, database: str) -> str:
    """Return what a manifest calls the database that it is of, so that no stage takes another's."""
    return f"{product}/{environment}/{database}"


def take(
    database: D1,
    vault: Vault,
    backups: Mapping[Backup, Mapping[str, Any]],
    *,
    of: str,
    now: Callable[[], datetime],
    versions: Mapping[str, str],
    check: Callable[[], None],
    again: Callable[[Manifest], bool],
) -> Manifest:
    """Dump a database to every one of ``backups``, for which S3 is told what each maps to; return the manifest.

    ``of`` is the database's `source`, ``now`` a clock. ``check`` is asked all the time, and raises what ends it. Where
    somebody wrote meanwhile and ``again`` allows it, it is done once more. Of what is raised before the end nothing
    counts: manifests are written last.
    """
    dumps = {each.key: {**_GZIP, **told} for each, told in backups.items()}
    for may_be_again in (True, False):
        with suppress(_Again), ThreadPoolExecutor(1, "page") as ahead, vault.writing(dumps) as out:
            at, packing = now(), Packing(out.write)

            def write(content: bytes, packing: Packing = packing) -> None:
                check()
                packing.write(content)

            made = dump(
                database.query,
                write,
                source=of,
                bookmark=database.bookmark,
                together=database.together,
                ahead=ahead,
            )
            if may_be_again and not made.is_consistent and again(made):
                raise _Again
            manifest = replace(made, at=at.isoformat(), gzip=packing.close(), versions=dict(versions))
            check()
            break
    # The daily one is the last: where it is, all are.
    for backup in sorted(backups, key=lambda each: each.tier is Tier.DAILY):
        vault.put(backup.manifest, manifest.text().encode(), **backups[backup])
    return manifest


_GZIP: Final[dict[str, Any]] = {"ContentType": "application/gzip"}


class _Again(Exception):
    """What was read is of no one moment."""


def told_of(tier: Tier, now: datetime, locks: Mapping[str, int]) -> dict[str, Any]:
    """Return what S3 is told of the lock of a new copy."""
    until = locked_until(tier, now, locks)
    return {} if until is None else {"ObjectLockMode": MODE, "ObjectLockRetainUntilDate": until}


def work(job: Job) -> Outcome:
    """Back up every database, or those that the invocation before left."""
    cursor = job.cursor or {"left": sorted(job.config.databases), "taken": {}, "failed": {}}
    left, taken, failed = list(cursor["left"]), dict(cursor["taken"]), dict(cursor["failed"])
    if job.is_again:
        left, failed = [*left, *failed], {}
    is_first = True
    while left:
        name = left[0]
        before = seen(job, name)
        if not is_first and job.remaining_seconds() < before.needed:
            return HandOver({"left": left, "taken": taken, "failed": failed})
        try:
            taken[name] = _Taking(job, name, before).told()
        except OutOfTime as error:
            if not is_first:
                return HandOver({"left": left, "taken": taken, "failed": failed})
            failed[name] = str(error)
        except _FAILURES as error:
            job.log.failed(f"{name} was not backed up", error)
            failed[name] = str(error)
        left, is_first = left[1:], False
    if failed:
        told = "; ".join(f"{name}: {why}" for name, why in sorted(failed.items()))
        raise JobFailed(f"{len(failed)} of {len(failed) + len(taken)} databases were not backed up: {told}")
    return Done({"databases": taken})


def seen(job: Job, name: str) -> Before:
    """Return what the vault has of a database."""
    newest = job.vault.newest(name)
    if not newest:
        return Before(newest, None)
    last = max(newest.values())
    try:
        return Before(newest, parsed(job.vault.get(last.manifest).decode()))
    except (Unreadable, UnicodeDecodeError, StreamFailed) as error:
        job.log.failed(f"the last manifest of {name} cannot be read", error, key=last.manifest)
        return Before(newest, None)


class _Taking:
    """One database's backup in this run."""

    def __init__(self, job: Job, name: str, before: Before) -> None:
        self._job, self._name, self._before = job, name, before
        self._database = job.cloudflare.database(job.config.databases[name].id)

    def told(self) -> dict[str, Any]:
        """Back it up, unless this run has done so already; return what is recorded of it."""
        backups = [Backup(self._job.scheduled, self._name, self._job.config.stage, tier) for tier in self._tiers()]
        if backups[0] in self._job.vault.backups(backups[0].tier, self._name):
            return {"keys": [each.key for each in backups], "already": True}
        self._require_size()
        now = self._job.now()
        manifest = take(
            self._database,
            self._job.vault,
            {each: told_of(each.tier, now, self._job.config.locks) for each in backups},
            of=source(self._job.config.product, self._job.config.environment, self._name),
            now=self._job.now,
            versions=self._versions(),
            check=self._check,
            again=lambda made: self._job.remaining_seconds() > MARGIN + made.seconds * _SPARE,
        )
        return {"keys": [each.key for each in backups], **self._noted(manifest)}

    def _tiers(self) -> list[Tier]:
        """Return where it goes, the tier that it always goes to first."""
        config, newest = self._job.config, self._before.newest
        first = Tier.INTERIM if self._job.task == INTERIM else Tier.DAILY
        if first not in config.lives:
            raise JobFailed(
                f"the stage keeps no {first} backups. fix: deploy the stage again, which ends this schedule"
            )
        if first is Tier.INTERIM:
            return [first]
        return due(self._job.scheduled, config.zone, config.lives, {tier: each.at for tier, each in newest.items()})

    def _require_size(self) -> None:
        self._database.query("SELECT 1")
        size = self._database.bytes
        self._job.metric("DatabaseBytes", size, "Bytes", store=self._name)
        if size > LARGEST:
            raise JobFailed(
                f"it has {size} bytes, and more than {LARGEST} are not backed up: it would not fit into one run."
                f" fix: move tables into a database of their own, or old rows into R2"
            )
        if size >= LARGE:
            self._job.log.warn(f"{self._name} has {size} bytes; from {LARGEST} on it is not backed up any more")

    def _check(self) -> None:
        if self._job.remaining_seconds() < MARGIN:
            raise OutOfTime(
                f"its {self._database.bytes} bytes need more time than one invocation has."
                f" fix: give the job more memory, with which comes more processor: docs/ops/tasks.yaml"
            )
        self._job.require()

    def _versions(self) -> dict[str, str]:
        """Return what made the dump."""
        sqlite = ".".join(map(str, SQLITE))
        return {"jobs": self._job.config.release, "python": platform.python_version(), "sqlite": sqlite}

    def _noted(self, manifest: Manifest) -> dict[str, Any]:
        """Put the numbers of a backup, and return what is recorded of it."""
        job, count, before = self._job, manifest.rows, self._before.rows
        has_shrunk = count < before * _SHRUNK
        if has_shrunk:
            job.log.warn(f"{self._name} has {count} rows; the backup before has {before}")
        if not manifest.is_consistent:
            job.log.warn(f"{self._name} was written to meanwhile: its backup is of no one moment", fuzzy=manifest.fuzzy)
        packed = manifest.gzip.bytes if manifest.gzip else 0
        job.metric("BackupBytes", packed, "Bytes", store=self._name)
        job.metric("BackupShrank", int(has_shrunk), "Count", store=self._name)
        job.metric("BackupAgeMinutes", minutes(datetime.fromisoformat(manifest.at), job.now()), store=self._name)
        told: dict[str, Any] = {
            "rows": count,
            "bytes": packed,
            "sql_bytes": manifest.bytes,
            "seconds": manifest.seconds,
            "consistent": manifest.is_consistent,
        }
        return told | ({"shrank_from": before} if has_shrunk else {})


handler = handler_of(work)
