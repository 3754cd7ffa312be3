"""A restore of one database, step by step. Every step may be done again: whoever continues after a kill begins with the
last one that was noted, and until the end nobody writes to the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.delivery.journal import Outcome, Run
from bulkhead.delivery.migrations import ledger
from bulkhead.model.faults import Fault, Refused
from bulkhead.recovery.restore.plan import Cause, Plan
from bulkhead.recovery.restore.waiting import Dump, Maintenance, Waiting, checked, facts_of, noted, told
from jobs.d1.load import LoadFailed, differences
from jobs.d1.schema import DumpFailed
from jobs.d1.wipe import replacing

TRIED: Final = "tried"
BOOKMARK: Final = "bookmark"
CHANGE: Final = "change"
CHANGED: Final = "changed"
CHECKED: Final = "checked"
WAITS: Final = "waits"
BACK: Final = "back"
SERVE: Final = "serve"


@dataclass(frozen=True, slots=True)
class World:
    """What a restore acts on. ``dump`` fetches the backup; ``scratch`` is the name of the database in which it is
    tried, near ``location``, because it holds the stage's data for a while; ``last`` how long a restore took before;
    ``migrate`` the command that applies what is missing."""

    database: D1
    maintenance: Maintenance | None
    dump: Callable[[], Dump]
    scratch: str
    location: str
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
        self._waiting = Waiting(world.maintenance, run, world.last, world.say, world.now)

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
        self._waiting.begin()
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

    def _try(self) -> str:
        """Return why the backup cannot be used, empty where it can: it was loaded somewhere else."""
        if self._noted(TRIED) is not None:
            return ""
        dump = self._world.dump()
        self._say(f"Loading the backup into {self._world.scratch} ...")
        self._clear()
        account = self._database.account
        scratch = d1.create(self._database.api, account, self._world.scratch, self._world.location)
        try:
            scratch.load(dump.file)
            wrong = told(differences(scratch.raw, dump.manifest))
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
        manifest = self._world.dump().manifest if self._plan.cause is Cause.BACKUP else None
        wrong, notes = checked(self._database, manifest)
        if wrong:
            return wrong
        for note in notes:
            self._say(f"as it was: {note}")
        self._run.note(CHECKED, {"orphans": notes})
        return ""

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
        reason += self._waiting.end(self._plan.stage)
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
        return noted(self._run, step)

    def _facts(self, step: str) -> Mapping[str, Any]:
        return facts_of(self._run, step)

    def _say(self, text: str) -> None:
        self._world.say(text)


def _require_other(scratch: D1, database: D1) -> None:
    if scratch.id == database.id:
        fault = Fault(scratch.name, "is the database itself", "give the database another name in the product")
        raise Refused("Nothing was deleted.", [fault])
