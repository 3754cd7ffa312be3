"""A recovery, step by step. Every step looks at what is there first and may be done again: whoever continues after a
kill, also without the record of it, comes to the same. Nothing of the lost place is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.clients.sql import quoted
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.backups.place import Place as Books
from bulkhead.recovery.restore.backups import Backups, Kept
from bulkhead.recovery.total.plan import Copy, Plan
from bulkhead.recovery.total.record import Done, Record
from jobs.d1 import schema
from jobs.d1.load import LoadFailed, differences
from jobs.d1.schema import DumpFailed

BOOTSTRAP: Final = "state"
IDENTITIES: Final = "identities"
STAGE: Final = "stage"
OPEN: Final = "hostnames"
PROBES: Final = "probes"
_MOST: Final = 5  # differences that are told


class NewPlace(Protocol):
    """Where the stage comes back. Everything may be done twice, and says in words what came of it."""

    def bootstrap(self) -> str: ...

    def identities(self) -> str:
        """Raises Refused where a person has to do something first, with the commands."""

    def up(self, *, reachable: bool) -> str:
        """Bring the stage up; as long as it is not to be ``reachable``, without what calls its Workers."""

    def database(self, name: str) -> AbstractContextManager[D1]: ...

    def migrate(self, database: D1, name: str) -> str:
        """Apply the migrations that a backup had not had yet."""

    def objects(self, bucket: str) -> str: ...

    def serve(self) -> str:
        """Let everybody have the versions that were brought up, in the order of the plan."""

    def ill(self) -> Sequence[str]:
        """Return what is wrong with the stage, as a visitor meets it."""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    act: Callable[[], str]


@dataclass(frozen=True)
class Recovery:
    """``books`` are the backups that were kept of the lost stage."""

    plan: Plan
    books: Books
    place: NewPlace
    record: Record
    say: Callable[[str], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def carry_out(self) -> None:
        """Do what is left of it. Raises Refused or Failed where a step cannot be done: the next run goes on there."""
        there = self.record.done()
        for step in self.steps():
            if step.name in there:
                self.say(f"{step.name}: done before, {there[step.name].said}")
                continue
            began = self.now()
            said = step.act()
            done = Done(step.name, began, self.now(), said)
            self.record.note(done)
            self.say(f"{step.name}: {said} ({done.seconds:.1f} s)")

    def steps(self) -> Iterator[Step]:
        """Yield the steps in their order: what serves first comes back first, and nobody comes before it is whole."""
        place, plan = self.place, self.plan
        yield Step(BOOTSTRAP, place.bootstrap)
        yield Step(IDENTITIES, place.identities)
        yield Step(STAGE, lambda: place.up(reachable=False))
        for copy in plan.copies:
            yield Step(f"database {copy.database}", partial(self._load, copy))
        for mirrored in plan.mirrors:
            yield Step(f"bucket {mirrored.bucket}", partial(place.objects, mirrored.bucket))
        yield Step(OPEN, lambda: "; ".join((place.up(reachable=True), place.serve())))
        yield Step(PROBES, self._probed)

    def _load(self, copy: Copy) -> str:
        with (
            TemporaryDirectory(prefix="bulkhead-recover-") as folder,
            self.place.database(copy.database) as database,
        ):
            file = Path(folder) / "dump.sql"
            kept = Backups(self.books, copy.database).fetch(copy.key, file)
            try:
                if schema.read(database.raw).tables:
                    return self._taken_over(database, kept, copy)
                database.load(file)
                wrong = differences(database.raw, kept.manifest)
            except (LoadFailed, DumpFailed, SqlFailed) as failed:
                raise Failed(f"{database.name} was not brought back.", [str(failed)]) from failed
            if wrong:
                raise Failed(f"{database.name} is not what {copy.key} says.", wrong[:_MOST])
            return f"{copy.rows:,} rows, each value compared; {self.place.migrate(database, copy.database)}"

    def _taken_over(self, database: D1, kept: Kept, copy: Copy) -> str:
        """Accept what an earlier run, that was killed before it was noted, has loaded: its very rows, or those and the
        migrations that came since."""
        wrong = differences(database.raw, kept.manifest)
        if wrong and not self._is_migrated(database, kept):
            message = f"holds data that is not that of {copy.key}: {'; '.join(wrong[:_MOST])}"
            fix = "look at it; where nobody needs it, empty the database, then run this again"
            raise Refused("Nothing was loaded.", [Fault(database.name, message, fix)])
        return f"was loaded before; {self.place.migrate(database, copy.database)}"

    def _is_migrated(self, database: D1, kept: Kept) -> bool:
        """Whether every table of the backup is there with as many rows. A migration may have changed its columns."""
        there = {table.name for table in schema.read(database.raw).tables}
        return all(
            name in there and next(iter(database.raw(f"SELECT count(*) FROM {quoted(name)}")))[0] >= each.rows  # noqa: S608
            for name, each in kept.manifest.tables.items()
            if name != schema.SEQUENCE
        )

    def _probed(self) -> str:
        if ill := self.place.ill():
            raise Failed(f"{self.plan.stage} is back, and not well.", [*ill])
        return "every Worker that has a hostname is well, and every probe passed"
