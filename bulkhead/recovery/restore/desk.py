"""What a restore is decided with: the database, its backups, its ledger, and what was restored before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from bulkhead.clients import clouds
from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.delivery.journal import Journal, Outcome, Run
from bulkhead.delivery.migrations import ledger
from bulkhead.delivery.migrations.files import Migration
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.instants import instant
from bulkhead.model.naming import Kind
from bulkhead.model.product import Database, Product
from bulkhead.model.settings import StageSettings
from bulkhead.operations.backups.place import dump_of
from bulkhead.recovery.restore import losses
from bulkhead.recovery.restore.backups import Backups, Kept
from bulkhead.recovery.restore.moments import KEPT, moment, refused, require_born
from bulkhead.recovery.restore.plan import Cause, Plan
from bulkhead.recovery.restore.run import BOOKMARK, Restore, World
from bulkhead.recovery.restore.waiting import Dump, Maintenance
from jobs.d1.schema import DumpFailed
from jobs.local_time import lasted, shown

_SCRATCH: Final = "scratch"
_UNKNOWN: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants back: a backup by its key, a moment as it was typed, or what was before the last restore."""

    key: str | None = None
    at: str | None = None
    undo: bool = False

    def require_one(self, stage: str, store: str) -> None:
        """Raise Refused unless it says one thing."""
        said = [each for each in (self.key, self.at, self.undo or None) if each]
        if not said:
            fix = f"bulkhead restore {stage} {store} --from KEY (bulkhead backup {stage} list), or --at TIME"
            raise refused("--from, --at", "neither is there, and nobody restores without a name", fix)
        if len(said) > 1:
            raise refused("--from, --at, --undo", "more than one is there, and each means another state", "leave one")


@dataclass(frozen=True)
class Desk:
    """One database of a stage. ``journal`` is that of restores, ``vaulted`` are the backups where it keeps some, and
    ``maintenance`` is None where nobody is to wait; ``is_half`` says whether somebody was killed while it was switched.
    ``folder`` is a place on this machine that only this user reads."""

    settings: StageSettings
    product: Product
    store: Database
    migrations: tuple[Migration, ...]
    database: D1
    journal: Journal
    vaulted: Backups | None
    maintenance: Maintenance | None
    folder: Path
    say: Callable[[str], None]
    is_half: Callable[[], bool] = lambda: False

    @property
    def stage(self) -> str:
        return self.settings.environment

    @property
    def zone(self) -> str:
        return self.settings.timezone

    @property
    def backups(self) -> Backups:
        """The backups. Raises Refused where the stage keeps none."""
        if self.vaulted is None:
            raise refused("--from", f"{self.stage} keeps no backups (bulkhead:backup.full is none)", "--at TIME")
        return self.vaulted

    @property
    def migrate(self) -> str:
        """The command that applies what the database has not had."""
        return f"bulkhead migrate {self.stage} --database {self.store.name}"

    def planned(self, wish: Wish, now: datetime) -> Plan:
        """Return what the wish would do; changes nothing. Raises Refused where it cannot be done, or must not."""
        wish.require_one(self.stage, self.store.name)
        if wish.key:
            return self._from_backup(self._fetched(wish.key), now)
        if wish.undo:
            return self._undoing(now)
        return self._to_moment(str(wish.at), now)

    def require_free(self) -> None:
        """Raise Refused unless a restore can begin: everything has its end, maintenance as well."""
        self.journal.require_ended()
        if self.is_half():
            fix = f"bulkhead maintenance on {self.stage} --until TIME, or off; then run this again"
            raise refused(f"maintenance of {self.stage}", "was interrupted half-way, and is neither on nor off", fix)

    def begin(self, plan: Plan) -> Run:
        """Begin the run of a plan. Raises Refused while another one has no end."""
        return self.journal.begin({"plan": plan.document(), "again": plan.again})

    def restore(self, plan: Plan, run: Run) -> Restore:
        """Return the run of a plan, to be begun or continued."""
        maintenance = self.maintenance if plan.maintenance else None
        world = World(
            self.database,
            maintenance,
            lambda: self.dump(plan),
            self.scratch,
            self.settings.region.d1,
            self.lasted,
            self.migrate,
            self.say,
        )
        return Restore(world, plan, run)

    def dump(self, plan: Plan) -> Dump:
        """Return the backup of a plan. Raises Refused where it is another one by now."""
        manifest = self._fetched(plan.source).manifest
        if manifest.sha256 != plan.content:
            message = "is not the backup any more that this restore began with"
            raise Refused("The restore cannot go on.", [Fault(plan.source, message, f"{plan.again} --undo")])
        return Dump(self._file, manifest)

    def open_run(self) -> tuple[Run, Plan] | None:
        """Return the restore that has no end, of whichever store of the stage; None when there is none."""
        run = self.journal.open_run()
        return None if run is None else (run, Plan.read(run.entries()[0].facts["plan"], run.id))

    def require_same(self, wish: Wish, run: Run, plan: Plan) -> None:
        """Raise Refused unless a wish can mean a restore that has no end: it says nothing else, or to give it up."""
        again = plan.again
        if plan.cause is Cause.ANEW:
            message = f"makes {plan.store} anew from {plan.source}, and has not ended"
            raise refused(run.id, message, f"{again} continues it, and with --undo gives it up")
        if plan.store != self.store.name:
            message = f"restores {plan.store}, and has not ended"
            raise refused(run.id, message, f"{again} continues it, and with --undo gives it up")
        source = (
            instant(moment(wish.at, self.stage, self.zone, datetime.now(UTC))) if wish.at else dump_of(wish.key or "")
        )
        if source and (source != plan.source or wish.undo):
            message = f"brings {plan.store} back to {plan.source}, and has not ended"
            raise refused(run.id, message, f"{again} continues it, and with --undo gives it up")

    @property
    def scratch(self) -> str:
        """The name of the database in which a backup is tried. Raises Refused where it is one of the product's."""
        label = self.settings.label(self.product.name)
        name = label.name(Kind.D1, _SCRATCH, self.store.name)
        for each in self.product.databases:
            if label.name(Kind.D1, each.name) == name:
                message = f"is called {name}, as the database is in which backups of {self.store.name} are tried"
                raise Refused("Nothing was restored.", [Fault(each.name, message, "call it something else")])
        return name

    def last(self) -> timedelta | None:
        """Return how long the last restore of this store took, None where there was none."""
        for run, _ in self._done():
            entries = run.entries()
            return entries[-1].at - entries[0].at
        return None

    @property
    def lasted(self) -> timedelta:
        """How long the last restore of this store took; nothing where there was none."""
        return self.last() or _UNKNOWN

    def planned_anew(self, key: str, name: str, now: datetime, *, is_there: bool) -> Plan:
        """Return the plan to make the database anew under a name; ``is_there`` says whether the one before still is."""
        kept, before = self._fetched(key), self.database.name
        needs = tuple(each.name for each in self.migrations)
        notes = self._of_backup(kept, now, needs, "until a deployment applies them")
        lost = [f"all that was written since {shown(kept.backup.at, self.zone)}"]
        if is_there:
            notes.append(f"{before} stays as it is, for looking at; nobody writes to it once the Workers are switched")
            lost = self._since(kept)
        plan = self._plan(Cause.ANEW, kept.key, kept.manifest.sha256, needs, lost, notes)
        return replace(plan, database=name)

    def _from_backup(self, kept: Kept, now: datetime) -> Plan:
        _ = self.scratch  # refused before anything is begun
        needs = self._needs()
        notes = self._of_backup(kept, now, needs, f"until they are applied, by {self.migrate}")
        return self._plan(Cause.BACKUP, kept.key, kept.manifest.sha256, needs, self._since(kept), notes)

    def _of_backup(self, kept: Kept, now: datetime, needs: tuple[str, ...], applied: str) -> list[str]:
        at, manifest = kept.backup.at, kept.manifest
        notes = [f"the backup is of {shown(at, self.zone)}, {lasted(now - at)} ago; it was read now and is whole"]
        if not manifest.is_consistent:
            tables = f": {', '.join(manifest.fuzzy)}" if manifest.fuzzy else ""
            notes.append(f"it is not of one moment, because somebody wrote while it was taken{tables}")
        had = set(manifest.migrations)
        if behind := [each for each in needs if each not in had]:
            notes.append(f"it is of an older schema, without {', '.join(behind)}: no traffic returns {applied}")
        return notes

    def _since(self, kept: Kept) -> list[str]:
        try:
            return [str(each) for each in losses.since(self.database.raw, kept.manifest)]
        except (DumpFailed, SqlFailed) as failed:
            return [f"what there is now cannot be counted: {failed}"]

    def _to_moment(self, text: str, now: datetime) -> Plan:
        at = moment(text, self.stage, self.zone, now)
        require_born(at, text, self.database.created(), self.zone)
        lost = [f"all that was written since {shown(at, self.zone)}, {lasted(now - at)} ago", *self._rows()]
        return self._plan(Cause.MOMENT, instant(at), self.database.bookmark(at), self._needs(), lost, [])

    def _undoing(self, now: datetime) -> Plan:
        found = next(self._done(), None)
        if found is None:
            raise refused("--undo", f"no restore of {self.store.name} is on record", "name --from or --at")
        run, plan = found
        ended = run.entries()[-1].at
        if plan.cause is Cause.ANEW:
            message = f"run {run.id} made {self.store.name} anew: what was before is not in it"
            raise refused("--undo", message, "name --from or --at")
        if plan.id != self.database.id:
            raise refused("--undo", f"run {run.id} was about another database: it was made anew since", "name --from")
        if now - ended > KEPT:
            message = f"run {run.id} is {lasted(now - ended)} ago, and Time Travel knows {KEPT.days} days"
            raise refused("--undo", message, f"bulkhead backup {self.stage} list; then --from KEY")
        bookmark = next(each.facts["bookmark"] for each in run.entries() if each.step == BOOKMARK)
        lost = [f"all that was written since {shown(ended, self.zone)}, {lasted(now - ended)} ago", *self._rows()]
        return self._plan(Cause.UNDO, run.id, str(bookmark), self._needs(), lost, [])

    def _plan(
        self, cause: Cause, source: str, content: str, needs: tuple[str, ...], lost: list[str], notes: list[str]
    ) -> Plan:
        before = self.last()
        took = f"the last restore of {self.store.name} took {lasted(before)}" if before is not None else ""
        notes.append(took or f"no restore of {self.store.name} is on record: nobody knows how long it takes")
        if self.maintenance is None:
            notes.append("nobody waits: what is written meanwhile is lost, and half of it may be seen")
        name, id_ = self.database.name, self.database.id
        return Plan(
            self.stage,
            self.store.name,
            name,
            id_,
            cause,
            source,
            content,
            needs,
            self.maintenance is not None,
            tuple(lost),
            tuple(notes),
        )

    def _needs(self) -> tuple[str, ...]:
        """Return the migrations of the running version: those that the database has had. One whose ledger is lost is
        held against the checkout's."""
        try:
            applied = tuple(ledger.read(self.database).applied)
        except SqlFailed:
            applied = ()
        return applied or tuple(each.name for each in self.migrations)

    def _rows(self) -> list[str]:
        try:
            return [f"table {name}: rows: {count:,} now" for name, count in losses.rows(self.database.raw)]
        except (DumpFailed, SqlFailed) as failed:
            return [f"what there is now cannot be counted: {failed}"]

    def _done(self) -> Iterator[tuple[Run, Plan]]:
        """Yield the restores of this store that were carried out, the last one first."""
        for run in self.journal.runs():
            plan = Plan.read(run.entries()[0].facts["plan"], run.id)
            if run.ended is Outcome.DONE and plan.store == self.store.name:
                yield run, plan

    @cached_property
    def _fetches(self) -> dict[str, Kept]:
        return {}

    @property
    def _file(self) -> Path:
        return self.folder / "dump.sql"

    def _fetched(self, key: str) -> Kept:
        """Return a backup after its SQL was fetched and read, once."""
        if key not in self._fetches:
            self.say(f"Reading {key} ...")
            with clouds.said_plainly("S3", "reading the backup"):
                self._fetches[key] = self.backups.fetch(key, self._file)
        return self._fetches[key]
