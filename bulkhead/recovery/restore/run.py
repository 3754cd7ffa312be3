"""A restore of one database, step by step. Every step may be done again: whoever continues after a kill begins with the
last one that was noted, and until the end nobody writes to the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.delivery.journal import Outcome, Run
from bulkhead.delivery.migrations import ledger
from bulkhead.model.faults import Fault, Refused
from bulkhead.recovery.restore.plan import Cause, Plan
from jobs.d1.load import LoadFailed, differences, orphans
from jobs.d1.manifest import Manifest
from jobs.d1.schema import DumpFailed
from jobs.d1.wipe import replacing

MAINTENANCE: Final = "maintenance"
QUIET: Final = "quiet"
TRIED: Final = "tried"
BOOKMARK: Final = "bookmark"
CHANGE: Final = "change"
CHANGED: Final = "changed"
CHECKED: Final = "checked"
WAITS: Final = "waits"
BACK: Final = "back"
SERVE: Final = "serve"
_LEAST: Final = timedelta(minutes=15)  # of maintenance that is announced
_PAUSES: Final = (1.0, 2.0, 4.0)  # seconds until a database that was just changed is asked again
_MOST: Final = 5  # differences that are told


class Maintenance(Protocol):
    """Whether the stage's users wait, and with them its queues and crons."""

    def is_on(self) -> bool: ...

    def on(self, until: datetime) -> object:
        """Let them wait; doing it twice comes to the same."""

    def off(self) -> list[str]:
        """Let everything go on as before, and return what does not, in words; doing it twice comes to the same."""


@dataclass(frozen=True, slots=True)
class Dump:
    """The SQL of a backup, fetched and compared with its manifest, in a folder of this process."""

    file: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class World:
    """What a restore acts on. ``dump`` fetches the backup; ``scratch`` is the name of the database in which it is
    tried; ``last`` how long a restore took before; ``migrate`` the command that applies what is missing."""

    database: D1
    maintenance: Maintenance | None
    dump: Callable[[], Dump]
    scratch: str
    last: timedelta
    migrate: str
    say: Callable[[str], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Restore:
    """The run of a plan, to be begun or continued."""

    def __init__(self, world: World, plan: Plan, run: Run) -> None:
        self._world = world
        self._plan = plan
        self._run = run
        self._database = world.database

    def carry_out(self) -> tuple[Outcome | None, str]:
        """Do what is left of it. Return how it ended, None when it waits for a person, and why.

        Raises Refused where a cloud cannot be asked: then the run has no end, and maintenance stays on."""
        if self._noted(SERVE) is not None:
            return self._serve()
        if self._plan.id != self._database.id:
            message = f"is about the database {self._plan.id}, and {self._database.name} is {self._database.id} by now"
            fix = f"bulkhead restore {self._plan.stage} {self._plan.store} --undo gives it up"
            raise Refused("The restore cannot go on.", [Fault(self._run.id, message, fix)])
        if self._noted(BACK) is not None:
            return self._go_back(str(self._facts(BACK)["reason"]))
        self._stop()
        if self._plan.cause is Cause.BACKUP and self._noted(CHANGE) is None and (wrong := self._try()):
            return self._serve(Outcome.STOPPED, f"nothing was changed, because the backup is not usable: {wrong}")
        if self._noted(BOOKMARK) is None:
            self._run.note(BOOKMARK, {"bookmark": self._database.bookmark()})
        if wrong := self._change() or self._check():
            return self._go_back(wrong)
        if missing := self._missing():
            reason = f"the running version needs migrations that the database has not any more: {', '.join(missing)}"
            self._run.note(WAITS, {"reason": reason, "waits_for": self._world.migrate})
            return None, reason
        return self._serve(Outcome.DONE, f"{self._plan.database} is as it was: {self._plan.source}")

    def give_up(self, reason: str) -> tuple[Outcome | None, str]:
        """End it with the database as it was before it."""
        if self._noted(SERVE) is not None:
            return self._serve()
        if self._plan.id != self._database.id:
            return self._serve(Outcome.STOPPED, f"the database is another one by now, which was not changed: {reason}")
        if self._noted(CHANGE) is None and self._noted(BACK) is None:
            return self._serve(Outcome.STOPPED, f"nothing was changed: {reason}")
        return self._go_back(reason)

    def _stop(self) -> None:
        maintenance = self._world.maintenance
        if maintenance is None:
            return
        if self._noted(MAINTENANCE) is None:
            self._run.note(MAINTENANCE, {"was_on": maintenance.is_on()})
        # It counts as on from its first half; and who knows who has ended it since this run was killed.
        half = self._noted(QUIET) is None and not self._facts(MAINTENANCE)["was_on"]
        if half or not maintenance.is_on():
            self._say("Maintenance on ...")
            maintenance.on(self._world.now() + max(_LEAST, 2 * self._world.last))
        if self._noted(QUIET) is None:
            self._run.note(QUIET)

    def _try(self) -> str:
        """Return why the backup cannot be used, empty where it can: it was loaded somewhere else."""
        if self._noted(TRIED) is not None:
            return ""
        dump = self._world.dump()
        self._say(f"Loading the backup into {self._world.scratch} ...")
        self._clear()
        account = self._database.account
        scratch = d1.create(self._database.api, account, self._world.scratch)
        try:
            scratch.load(dump.file)
            wrong = _told(differences(scratch.raw, dump.manifest))
        except (LoadFailed, DumpFailed, SqlFailed) as failed:
            wrong = str(failed)
        self._clear()
        if not wrong:
            self._run.note(TRIED, {"rows": sum(each.rows for each in dump.manifest.tables.values())})
        return wrong

    def _change(self) -> str:
        """Return why the database could not be changed, empty where it was."""
        if self._noted(CHANGED) is not None:
            return ""
        if self._plan.cause is Cause.BACKUP:
            dump = self._world.dump()
        self._run.note(CHANGE)
        self._say(f"Bringing {self._plan.database} back ...")
        if self._plan.cause is Cause.BACKUP:
            whole = dump.file.with_name("whole.sql")
            replacing(self._database.raw, dump.file, whole)
            try:
                self._database.load(whole)
            except LoadFailed as failed:
                return str(failed)
            finally:
                whole.unlink(missing_ok=True)
        else:
            self._database.travel(self._plan.content)
        self._run.note(CHANGED)
        return ""

    def _check(self) -> str:
        """Return in what the database is not right, empty where it is."""
        if self._noted(CHECKED) is not None:
            return ""
        self._say("Checking it ...")
        notes = list[str]()
        try:
            if (said := self._quick_check()) != "ok":
                return f"quick_check: {said}"
            if self._plan.cause is Cause.BACKUP and (
                wrong := _told(differences(self._database.raw, self._world.dump().manifest))
            ):
                return wrong
            notes = orphans(self._database.raw, SqlFailed)
        except (DumpFailed, SqlFailed) as failed:
            return str(failed)
        for note in notes:
            self._say(f"as it was: {note}")
        self._run.note(CHECKED, {"orphans": notes})
        return ""

    def _quick_check(self) -> str:
        """Return what SQLite says of the database. D1 cancels what is asked while it puts other data in its place."""
        for pause in _PAUSES:
            with suppress(SqlFailed):
                return self._said("PRAGMA quick_check")
            time.sleep(pause)
        return self._said("PRAGMA quick_check")

    def _said(self, sql: str) -> str:
        return str(next(iter(self._database.raw(sql)))[0])

    def _missing(self) -> list[str]:
        there = ledger.read(self._database).applied
        return [each for each in self._plan.migrations if each not in there]

    def _go_back(self, reason: str) -> tuple[Outcome | None, str]:
        if self._noted(BACK) is None:
            self._run.note(BACK, {"reason": reason})
        self._say("It is not right; going back to what was before ...")
        self._database.travel(str(self._facts(BOOKMARK)["bookmark"]))
        return self._serve(Outcome.STOPPED, f"the database is what it was before: {reason}")

    def _serve(self, outcome: Outcome | None = None, reason: str = "") -> tuple[Outcome, str]:
        """Let requests through again and end the run. It is noted first, so that whoever continues stops nobody."""
        if outcome is not None:
            self._run.note(SERVE, {"outcome": outcome.value, "reason": reason})
        facts = self._facts(SERVE)
        outcome, reason = Outcome(facts["outcome"]), str(facts["reason"])
        before = self._noted(MAINTENANCE)
        if self._world.maintenance is not None and before is not None:
            if before["was_on"]:
                reason += f"; maintenance was on before, and stays: bulkhead maintenance off {self._plan.stage}"
            else:
                self._say("Maintenance off ...")
                for left in self._world.maintenance.off():
                    self._say(f"not as before: {left}")
        self._clear()
        self._run.end(outcome, {"reason": reason})
        return outcome, reason

    def _clear(self) -> None:
        """Delete what a run, also one that was killed, has left of the database in which a backup is tried."""
        if self._plan.cause is not Cause.BACKUP:
            return
        left = d1.find(self._database.api, self._database.account, self._world.scratch)
        if left is not None:
            _require_other(left, self._database)
            left.delete()

    def _noted(self, step: str) -> Mapping[str, Any] | None:
        return next((each.facts for each in reversed(self._run.entries()) if each.step == step), None)

    def _facts(self, step: str) -> Mapping[str, Any]:
        facts = self._noted(step)
        if facts is None:
            raise RuntimeError(f"run {self._run.id} has not come to {step}")
        return facts

    def _say(self, text: str) -> None:
        self._world.say(text)


def _require_other(scratch: D1, database: D1) -> None:
    if scratch.id == database.id:
        fault = Fault(scratch.name, "is the database itself", "give the database another name in the product")
        raise Refused("Nothing was deleted.", [fault])


def _told(lines: list[str]) -> str:
    more = f"; and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
    return "; ".join(lines[:_MOST]) + more
