"""Rehearses a restore (BAK-12, DRP-6, SLA-8): a backup is loaded into a database of its own, which is damaged twice and
brought back twice, to a time and to a bookmark. It is timed, compared value by value, and removed.

The job runs every day and drills on the first Sunday of a month, or on the days after until a drill was good. On the
others it says how old the last good one is, and removes what a killed one has left. It runs in staging and never reads
production's vault: who may edit one database of a Cloudflare account may edit all of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from jobs import drills, scratch, verified
from jobs.backup import source
from jobs.cloudflare import CloudflareFailed
from jobs.d1 import damage
from jobs.d1.load import LoadFailed, differences, verify
from jobs.d1.manifest import Manifest
from jobs.d1.schema import DumpFailed
from jobs.drills import Drill, Tried
from jobs.folders import Tier
from jobs.run import MARGIN, Done, HandOver, Job, JobFailed, Outcome, handler_of
from jobs.scratch import NotGone, Scratch
from jobs.streams import StreamFailed
from jobs.vault import Backup
from jobs.verify import age, manifest_of

NOW: Final = "now"
"""The word of the cursor by which a person asks for a drill on any day; it is true."""
DATA: Final = "data"
"""The word of the cursor that says whose data: OWN where it is left out."""
OWN: Final = "own"
PRODUCTION: Final = "production"
_APART: Final = 3.0  # seconds between a time to which D1 is brought back and what is written before and after it
_SPARE: Final = 2.0  # how many times as long as another one a database may take
_MOST: Final = 5  # differences that are told
_MISSING: Final = "NoSuchKey"
_FAILURES: Final = (
    BotoCoreError,
    ClientError,
    CloudflareFailed,
    DumpFailed,
    JobFailed,
    LoadFailed,
    NotGone,
    OSError,
    StreamFailed,
)


def work(job: Job) -> Outcome:
    """Drill where it is due, with every database that has a backup."""
    if job.config.stage == PRODUCTION:
        raise JobFailed(
            "a drill edits databases, and in production's account it could edit production's."
            " fix: take production out of the stages of this task: docs/ops/tasks.yaml"
        )
    cursor = job.cursor or {}
    data = str(cursor.get(DATA, OWN))
    if data not in (OWN, PRODUCTION):
        raise JobFailed(f"{DATA}: {data!r} is not known. fix: say {OWN} or {PRODUCTION}, or leave it out")
    _remove_left(job)
    if "left" not in cursor:
        last = drills.standing(job.aws.s3, job.config.state).last
        if not cursor.get(NOW) and not drills.is_due(last, job.scheduled, job.config.zone):
            _tell_age(job)
            return Done({"drilled": False, "last": last and last.isoformat()})
        left, tried = sorted(job.config.databases), dict[str, Tried]()
    else:
        left, tried = list(cursor["left"]), {name: drills.tried(each) for name, each in cursor["tried"].items()}
    without = list(cursor.get("without", ()))
    longest = 0.0
    while left:
        name = left[0]
        if longest and job.remaining_seconds() < MARGIN + longest * _SPARE:
            so_far = {name: asdict(each) for name, each in tried.items()}
            return HandOver({"left": left, "tried": so_far, "without": without, DATA: data})
        began = time.monotonic()
        one = _Try(job, name).told(data)
        longest = max(longest, time.monotonic() - began)
        if one is None:
            without.append(name)
        else:
            tried[name] = one
        left = left[1:]
    return _ended(job, tried, without)


def _ended(job: Job, tried: Mapping[str, Tried], without: list[str]) -> Outcome:
    """Record the drill, and say what came of it."""
    if not tried:
        return Done({"drilled": False, "without_backup": without})
    drill = Drill(job.now(), tried, tuple(without))
    job.require()
    job.aws.s3.put_object(
        Bucket=job.config.state,
        Key=drills.place(job.run),
        Body=drill.text().encode(),
        ContentType="application/json",
    )
    _tell_age(job)
    if bad := {name: "; ".join(each.reasons) for name, each in sorted(tried.items()) if each.reasons}:
        told = "; ".join(f"{name}: {why}" for name, why in bad.items())
        raise JobFailed(f"{len(bad)} of {len(tried)} databases could not be restored: {told}")
    seconds = {name: each.seconds["restore"] for name, each in tried.items()}
    return Done({"drilled": True, "record": drills.place(job.run), "seconds": seconds, "without_backup": without})


def _tell_age(job: Job) -> None:
    """Put for how many days there was no good drill; nothing where there was nothing to drill with."""
    age = drills.standing(job.aws.s3, job.config.state).age_days(job.now())
    if age is not None:
        job.metric("DrillAgeDays", age)


def _name(job: Job, database: str) -> str:
    return job.config.databases[database].name + scratch.MARK


def _remove(job: Job, database: str) -> bool:
    own = job.config.databases.values()
    return scratch.remove(job.cloudflare, _name(job, database), {*(each.id for each in own), *(e.name for e in own)})


def _remove_left(job: Job) -> None:
    """Remove what a drill that was killed has left, whether one is due today or not."""
    for each in sorted(job.config.databases):
        try:
            if _remove(job, each):
                job.log.warn(f"{_name(job, each)} was there, left by a drill that was killed; it is removed")
        except (CloudflareFailed, NotGone) as failed:
            raise JobFailed(f"what a drill left could not be removed: {failed}") from failed


def pseudonymised(job: Job, database: str) -> Backup:
    """Return a backup of production's data in which nobody is recognised, as production hands it over.

    It is here because this is where it belongs; until something pseudonymises, real data does not enter staging."""
    raise JobFailed(
        f"{database}: production's data stays in production, because nothing pseudonymises it yet"
        f' (job {job.task}). fix: leave "{DATA}" out, which drills with the stage\'s own backup'
    )


class _Try:
    """One database's part of the drill."""

    def __init__(self, job: Job, name: str) -> None:
        self._job, self._name = job, name
        self._seconds = dict[str, float]()
        self._rows = 0

    def told(self, data: str) -> Tried | None:
        """Try it; return what came of it, None where the database has no backup. The scratch database is gone then."""
        passed_over = list[str]()
        backup = self._newest(passed_over) if data == OWN else pseudonymised(self._job, self._name)
        if backup is None and passed_over:
            reason = "every backup is known to be no good. fix: docs/runbooks/backup-failed.md"
            return Tried("", 0, {}, (reason,), tuple(passed_over))
        if backup is None:
            return None
        reasons = list[str]()
        try:
            with tempfile.TemporaryDirectory() as folder:
                self._run(backup, Path(folder) / "dump.sql")
        except _FAILURES as failed:
            self._job.log.failed(f"the drill of {self._name} failed", failed, key=backup.key)
            reasons.append(str(failed))
        try:
            with self._timed("remove"):
                _remove(self._job, self._name)
        except (CloudflareFailed, NotGone) as failed:
            self._job.log.failed(f"{_name(self._job, self._name)} was not removed", failed)
            reasons.append(str(failed))
        return Tried(backup.key, self._rows, self._seconds, tuple(reasons), tuple(passed_over))

    def _newest(self, passed_over: list[str]) -> Backup | None:
        """Return the newest backup that is not known to be bad; note those that are newer."""
        there = sorted((each for tier in Tier for each in self._job.vault.backups(tier, self._name)), key=age)
        for backup in reversed(there):
            if not self._is_bad(backup):
                return backup
            passed_over.append(backup.key)
        return None

    def _is_bad(self, backup: Backup) -> bool:
        where = {"Bucket": self._job.config.state, "Key": verified.place(backup)}
        try:
            verdict = verified.parsed(self._job.aws.s3.get_object(**where)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] != _MISSING:
                raise
            return False
        return verdict is not None and not verdict.is_good

    def _run(self, backup: Backup, file: Path) -> None:
        job = self._job
        with self._timed("fetch"):
            manifest = manifest_of(job.vault, backup)
            self._rows = manifest.rows
            of = source(job.config.product, job.config.environment, self._name)
            with job.vault.open(backup.key) as dump, file.open("wb") as out:
                verify(dump, manifest, source=of, write=out.write)
        with self._timed("load"):
            database = scratch.make(job.cloudflare, _name(job, self._name), job.config.location)
            database.load(file, job.remaining_seconds() - MARGIN)
        with self._timed("compare"):
            self._require_same(database, manifest, "the backup was loaded")
        self._seconds["restore"] = round(sum(self._seconds.values()), 3)
        job.metric("RestoreSeconds", self._seconds["restore"], "Seconds", store=self._name)
        self._travel(database, manifest)

    def _travel(self, database: Scratch, manifest: Manifest) -> None:
        """Damage it as an application does, and go back to a time; then as a migration does, and go back to a bookmark
        (DRP-6)."""
        bookmark = database.bookmark()
        time.sleep(_APART)
        at = self._job.now()
        time.sleep(_APART)
        if database.bookmark() != bookmark:
            raise JobFailed("somebody else writes to the database of the drill, so its points in time are unknown")
        self._damage(database, manifest, damage.without_rows(database.query), "rows-gone")
        with self._timed("to-a-time"):
            database.travel(at)
            self._require_same(database, manifest, f"it was brought back to {at.isoformat()}")
        self._damage(database, manifest, damage.without_tables(database.query), "tables-gone")
        with self._timed("to-a-bookmark"):
            database.travel(bookmark)
            self._require_same(database, manifest, f"it was brought back to the bookmark {bookmark}")

    def _damage(self, database: Scratch, manifest: Manifest, statements: list[str], step: str) -> None:
        with self._timed(step):
            database.write(statements)
            if not differences(database.query, manifest):
                raise JobFailed(f"the damage ({step}) does not show, so comparing proves nothing")

    def _require_same(self, database: Scratch, manifest: Manifest, after: str) -> None:
        if wrong := differences(database.query, manifest):
            more = f"; and {len(wrong) - _MOST} more" if len(wrong) > _MOST else ""
            raise JobFailed(f"after {after}, it is not what was backed up: {'; '.join(wrong[:_MOST])}{more}")

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        """Do a step, unless another run has the task or the time is over, and note how long it took."""
        self._job.require()
        if step != "remove" and self._job.remaining_seconds() < MARGIN:
            raise JobFailed(
                f"the drill takes longer than one invocation lasts; it came to {', '.join(self._seconds) or 'nothing'}."
                " fix: give the job more memory, with which comes more processor: docs/ops/tasks.yaml"
            )
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[step] = round(time.monotonic() - began, 3)


handler = handler_of(work)
