"""Reads backups back (BAK-11, BAK-13): each is loaded into SQLite and compared with its manifest, value by value.

It only reads the vault. The newest backup of each database comes first, then older ones, those first that were not
looked at for the longest time: what lies for years may rot.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from jobs import verified
from jobs.backup import source
from jobs.d1.load import Interrupted, Loaded, LoadFailed, into_file
from jobs.d1.manifest import Manifest, Unreadable, parsed
from jobs.folders import Tier
from jobs.run import MARGIN, Done, HandOver, Job, JobFailed, Outcome, handler_of
from jobs.streams import StreamFailed
from jobs.vault import Backup, Vault
from jobs.verified import Verdict

_OLDER: Final = 3  # backups beside the newest ones that a run looks at
_USUAL: Final = 240.0  # seconds that a backup may take
_FAILURES: Final = (BotoCoreError, ClientError, Interrupted, OSError, StreamFailed)
_MISSING: Final = "NoSuchKey"


def read_back(
    vault: Vault, backup: Backup, *, of: str, folder: Path, may_go_on: Callable[[], bool] = lambda: True
) -> Verdict:
    """Load a backup into a file in ``folder``, compare it, and remove the file. ``of`` is the database's `source`.

    Raises what is not the backup's fault: no room, no answer, and Interrupted when it may not go on.
    """
    began, file = time.monotonic(), folder / "backup.sqlite"
    reasons, notes, count = tuple[str, ...](), tuple[str, ...](), 0
    try:
        manifest = manifest_of(vault, backup)
        count = manifest.rows
        with vault.open(backup.key) as dump:
            loaded = into_file(dump, manifest, file, source=of, may_go_on=may_go_on)
        reasons, notes = _judged(manifest, loaded)
    except LoadFailed as failed:
        reasons = failed.reasons
    except ClientError as error:
        if error.response["Error"]["Code"] != _MISSING:
            raise
        reasons = ("the dump, or its manifest, is not there any more",)
    finally:
        file.unlink(missing_ok=True)
    took = round(time.monotonic() - began, 3)
    return Verdict(backup.key, datetime.now(UTC), reasons, notes, count, took, sqlite3.sqlite_version)


def manifest_of(vault: Vault, backup: Backup) -> Manifest:
    """Return a backup's manifest. Raises LoadFailed where it cannot be read."""
    try:
        return parsed(vault.get(backup.manifest).decode())
    except (Unreadable, UnicodeDecodeError) as error:
        raise LoadFailed(f"the manifest cannot be used: {error}") from error


def _judged(manifest: Manifest, loaded: Loaded) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return why a backup is no good although its values are right, and what else is to be known of it."""
    notes = [f"constraints not checked: {each}" for each in loaded.unchecked]
    if not manifest.is_consistent:
        changed = ", ".join(manifest.fuzzy) or "none was seen to change"
        notes.append(f"it is of no one moment; tables that changed while they were read: {changed}")
    if not loaded.orphans:
        return (), tuple(notes)
    if manifest.is_consistent:
        return (), (*notes, *(f"{each}, as in the database itself; D1 refuses to load them" for each in loaded.orphans))
    return tuple(f"{each}; it is of no one moment, and D1 refuses to load it" for each in loaded.orphans), tuple(notes)


def work(job: Job) -> Outcome:
    """Read back what is due."""
    turn = _Turn(job)
    for backup in turn.newest():
        if not turn.has_time(backup):
            return HandOver({"bad": turn.bad, "good": turn.good})
        turn.take(backup)
    for backup in turn.older():
        if not turn.has_time(backup):
            break
        turn.take(backup)
    if turn.bad:
        told = "; ".join(f"{key}: {why}" for key, why in sorted(turn.bad.items()))
        raise JobFailed(f"{len(turn.bad)} backups were not read back: {told}")
    return Done({"good": turn.good, "without_backup": turn.without})


class _Turn:
    """One run, whichever invocation it is in."""

    def __init__(self, job: Job) -> None:
        cursor = job.cursor or {"bad": {}, "good": []}
        self.bad: dict[str, str] = dict(cursor["bad"])
        self.good: list[str] = list(cursor["good"])
        self.without: list[str] = []
        self._job, self._has_taken = job, False
        self._times = verified.times(job.aws.s3, job.config.state)
        self._there = {
            name: sorted((each for tier in Tier for each in job.vault.backups(tier, name)), key=age)
            for name in sorted(job.config.databases)
        }

    def newest(self) -> list[Backup]:
        """Return the newest backup of each database that this run has not looked at."""
        self.without = [name for name, there in self._there.items() if not there]
        return [there[-1] for there in self._there.values() if there and not self._is_done(there[-1])]

    def older(self) -> list[Backup]:
        """Return the others whose turn it is."""
        never = datetime.min.replace(tzinfo=UTC)
        others = [each for there in self._there.values() for each in there[:-1] if not self._is_done(each)]
        return sorted(others, key=lambda each: (self._times.get(each.key, never), each.at))[:_OLDER]

    def _is_done(self, backup: Backup) -> bool:
        return backup.key in self.bad or backup.key in self.good

    def has_time(self, backup: Backup) -> bool:
        """Whether a backup can be begun in this invocation. The first one is, or it would never be."""
        return not self._has_taken or self._job.remaining_seconds() > MARGIN + self._last_took(backup) * 2

    def _last_took(self, backup: Backup) -> float:
        """Return how long the newest verified backup of the same database took."""
        known = [each for each in self._there[backup.database] if each.key in self._times]
        if not known:
            return _USUAL
        where = {"Bucket": self._job.config.state, "Key": verified.place(known[-1])}
        verdict = verified.parsed(self._job.aws.s3.get_object(**where)["Body"].read())
        return verdict.seconds if verdict else _USUAL

    def take(self, backup: Backup) -> None:
        """Read one back, and note down what became of it."""
        self._has_taken = True
        try:
            verdict = self._read(backup)
        except _FAILURES as error:
            self._job.log.failed(f"{backup.key} was not read to its end", error)
            self.bad[backup.key] = _said(error)
            return
        self._put(backup, verdict)
        if verdict.is_good:
            self.good.append(backup.key)
        else:
            self.bad[backup.key] = "; ".join(verdict.reasons)

    def _read(self, backup: Backup) -> Verdict:
        job = self._job
        with tempfile.TemporaryDirectory() as folder:
            return read_back(
                job.vault,
                backup,
                of=source(job.config.product, job.config.environment, backup.database),
                folder=Path(folder),
                may_go_on=lambda: job.remaining_seconds() > MARGIN,
            )

    def _put(self, backup: Backup, verdict: Verdict) -> None:
        job, told = self._job, dict[str, Any](key=backup.key, seconds=verdict.seconds, rows=verdict.rows)
        job.aws.s3.put_object(
            Bucket=job.config.state,
            Key=verified.place(backup),
            Body=verdict.text().encode(),
            ContentType="application/json",
        )
        job.metric("BackupVerified", int(verdict.is_good), "Count", store=backup.database)
        if verdict.is_good:
            job.metric("RestoreSeconds", verdict.seconds, "Seconds", store=backup.database)
            job.log.info("a backup was read back", **told, notes=verdict.notes)
        else:
            job.log.warn("a backup is no good", **told, reasons=verdict.reasons, notes=verdict.notes)


def age(backup: Backup) -> tuple[datetime, bool]:
    """Sort copies of one moment so that the one which changes daily is the newest."""
    return backup.at, backup.tier is Tier.DAILY


def _said(error: Exception) -> str:
    match error:
        case Interrupted():
            return (
                "it takes longer than one invocation lasts, and is not verified here."
                " fix: bulkhead backup STAGE verify KEY, which has all the time it needs"
            )
        case OSError():
            return f"{error.strerror}. fix: give the job more room for files: docs/ops/tasks.yaml"
    return f"{type(error).__name__}: {error}"


handler = handler_of(work)
