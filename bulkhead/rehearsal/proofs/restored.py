"""What a job has kept comes back as it was, and a restore that dies on its way harms nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from bulkhead.clients.d1 import D1
from bulkhead.delivery.journal import CONTINUE, Outcome, Run
from bulkhead.localclouds.functions.functions import Invocation
from bulkhead.recovery.restore import run as steps
from bulkhead.recovery.restore import waiting
from bulkhead.recovery.restore.desk import Wish
from bulkhead.recovery.restore.plan import Plan
from bulkhead.rehearsal.evidence import NotShown, Unproven
from bulkhead.rehearsal.kills import Killed, Mortal
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.recovery import Recovery
from bulkhead.rehearsal.scene import Scene
from jobs.folders import Tier
from jobs.vault import Backup

STEPS: Final = (
    waiting.MAINTENANCE,
    waiting.QUIET,
    steps.TRIED,
    steps.BOOKMARK,
    steps.CHANGE,
    steps.CHANGED,
    steps.CHECKED,
)
_WAITING: Final = 503
PLANTED: Final = "rehearsal planted"
# What the export of D1 changes, loses or does not load (docs/adr/0031), each in a row of its own.
_VALUES: Final = (
    "NULL",
    "''",
    "9007199254740993",
    "-9223372036854775808",
    "0.1",
    "1.0",
    "9e999",
    "-9e999",
    "X'00ff'",
    "X''",
    "'a line' || char(10) || 'and a literal \\n'",
    "'a quote '' and a return' || char(13)",
    "CAST(X'610062' AS TEXT)",
    "CAST(X'ff41' AS TEXT)",
    "'9007199254740993'",
    "'港 👩'",
)
_TABLES: Final = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 4) <> '_cf_'"
    " AND substr(name, 1, 11) <> 'sqlite_stat'"
)
_MADE: Final = "SELECT type, name, sql FROM sqlite_schema WHERE sql NOT NULL AND substr(name, 1, 4) <> '_cf_'"


def value_for_value(scene: Scene) -> str:
    """Let the schedules back a database up and read that back, damage it, and restore it from there."""
    with _planted(scene) as found:
        whole = content(found.database)
        backup, ran = _backed_up(found)
        found.fire("verify", _now())
        verdict = found.place.verdict(backup)
        if verdict is None or not verdict.is_good:
            seen = "nobody has read it" if verdict is None else "; ".join(verdict.reasons)
            raise Unproven(f"{backup.key} to be read back, and good", seen)
        _damage(found.database)
        damaged = content(found.database)
        require(damaged != whole, "the database to be another after it was damaged", "it is the same")
        started = time.monotonic()
        with found.journal.held():
            plan, run = _begun(found, backup)
            outcome, why = found.desk.restore(plan, run).carry_out()
        seconds = time.monotonic() - started
        require(outcome is Outcome.DONE, f"{found.store.name} to be restored", f"{outcome}: {why}")
        _require_same(f"{found.store.name} as it was backed up", whole, content(found.database))
    return (
        f"{found.stage.environment}: {len(whole)} rows and declarations of {found.store.name}, {len(_VALUES)} of them"
        f" planted; {ran.function} kept them ({ran.peak} MiB), read back as {verdict.rows} rows; restored in"
        f" {seconds:.1f} s"
    )


def killed(scene: Scene) -> str:
    """Kill a restore when it has noted one of its steps; another process gives it up."""
    chance = random.Random(0 if scene.mishaps is None else scene.mishaps.seed)  # noqa: S311 - nothing is secret
    step = chance.choice(STEPS)
    with _planted(scene) as found:
        backup, _ = _backed_up(found)
        _damage(found.database)  # what people wrote since: they shall have it again
        before, answers, databases = content(found.database), found.answers(), found.databases()
        with found.journal.held():
            plan, run = _begun(found, backup)
            mortal: Any = Mortal(run, step)
            try:
                outcome, why = found.desk.restore(plan, mortal).carry_out()
            except Killed:
                pass
            else:
                raise Unproven(f"the restore to come to {step!r}, where it is killed", f"{outcome}: {why}")
        _require_safe(found, step, before, answers)
        with found.journal.held():
            again = found.desk.open_run()
            if again is None or again[0].id != run.id:
                raise Unproven(f"run {run.id}, which was killed, to be found", "none" if again is None else again[0].id)
            again[0].note(CONTINUE, {"why": "its process is gone"})
            outcome, why = found.desk.restore(again[1], again[0]).give_up("its process is gone")
        require(outcome is Outcome.STOPPED, "the restore to be given up", f"{outcome}: {why}")
        _require_same(f"{found.store.name} as it was before the restore", before, content(found.database))
        now = found.answers()
        require(now == answers, f"every hostname to answer as before, {answers}", now)
        left = found.databases()
        require(left == databases, f"the databases of the account as before, {databases}", left)
    return (
        f"{found.stage.environment}: killed at {step!r} and given up; {len(before)} rows and declarations of"
        f" {found.store.name} and {len(answers)} of its hostnames as before"
    )


def content(database: D1) -> list[str]:
    """Return every value of a database by its type and bytes, and what declares its tables."""
    found = ["\t".join(map(str, row)) for row in database.raw(_MADE)]
    for (table,) in database.raw(_TABLES):
        columns = [_quoted(row[0]) for row in database.raw(f"SELECT name FROM pragma_table_info({_text(table)})")]  # noqa: S608 - quoted
        asked = ", ".join(
            f"typeof({each}) || ' ' || CASE typeof({each}) WHEN 'real' THEN printf('%!.17g', {each})"
            f" ELSE hex({each}) END"
            for each in columns
        )
        rows = database.raw(f"SELECT {asked} FROM {_quoted(table)}")  # noqa: S608 - quoted
        found += [f"{table}: {', '.join(row)}" for row in rows]
    return sorted(found)


@contextmanager
def _planted(scene: Scene) -> Iterator[Recovery]:
    """Open the recovery of a stage that keeps backups and is not production, with values in its database that are
    easily changed on the way; at the end they are gone."""
    stages = [each for each in scene.stages.values() if each.settings.backup.full != "none"]
    stage = next((each for each in stages if not each.settings.protected), None)
    if stage is None:
        raise NotShown("no stage here keeps backups and may be damaged; needs staging")
    if not scene.product.databases:
        raise NotShown("the product has no database")
    with scene.recovery(stage) as found:
        table = _quoted(PLANTED)
        gone = f"DROP TABLE IF EXISTS {table};"
        values = ", ".join(f"({number}, {value})" for number, value in enumerate(_VALUES))
        found.database.write(
            gone,
            f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, value);",
            f"INSERT INTO {table} VALUES {values};",  # noqa: S608
        )
        try:
            yield found
        finally:
            if found.desk.maintenance is not None and found.desk.maintenance.is_on():
                with found.journal.held():
                    found.desk.maintenance.off()
            found.database.write(gone)


def _backed_up(found: Recovery) -> tuple[Backup, Invocation]:
    """Let the schedule of backups call; return what it has kept, and how that went."""
    at = _now()
    ran = found.fire("backup", at)
    backup = Backup(at, found.store.name, found.stage.settings.stage, Tier.DAILY)
    there = found.place.backups(found.store.name)
    require(backup in there, f"{backup.key} in the vault", [each.key for each in there][-3:] or "nothing")
    return backup, ran


def _begun(found: Recovery, backup: Backup) -> tuple[Plan, Run]:
    found.desk.require_free()
    plan = found.desk.planned(Wish(key=backup.key), datetime.now(UTC))
    return plan, found.desk.begin(plan)


def _damage(database: D1) -> None:
    table = _quoted(PLANTED)
    database.write(
        f"DELETE FROM {table} WHERE number % 2;",  # noqa: S608 - quoted
        f"UPDATE {table} SET value = 'since' WHERE number % 4;",  # noqa: S608
        f"INSERT INTO {table} (value) VALUES ('later');",  # noqa: S608
    )


def _require_safe(found: Recovery, step: str, before: list[str], answers: dict[str, int]) -> None:
    """Require that a restore that died at a step has either changed nothing, or keeps everybody out until somebody ends
    it; and that it keeps out from the second step on."""
    if step == STEPS[0]:
        _require_same(f"{found.store.name} as it was", before, content(found.database))
        seen = found.answers()
        require(seen == answers, f"every hostname to answer as before, {answers}", seen)
        return
    seen = found.answers()
    require(set(seen.values()) == {_WAITING}, f"maintenance on every hostname after {step!r}, {_WAITING}", seen)
    if STEPS.index(step) < STEPS.index(steps.CHANGED):
        _require_same(f"{found.store.name} as it was", before, content(found.database))


def _require_same(what: str, wanted: list[str], seen: list[str]) -> None:
    missing, more = sorted(set(wanted) - set(seen)), sorted(set(seen) - set(wanted))
    require(wanted == seen, what, f"missing: {missing[:3] or 'none'}, too many: {more[:3] or 'none'}")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _quoted(name: str) -> str:
    return '"' + str(name).replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
