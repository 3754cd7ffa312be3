"""Applies migrations to a database: each file and its note as one transaction, up to the first that fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.clients.refusals import Uncertain
from bulkhead.clients.sql import folded, quoted
from bulkhead.delivery.migrations import ledger
from bulkhead.delivery.migrations.copy import Copy
from bulkhead.delivery.migrations.effects import Tally
from bulkhead.delivery.migrations.files import Migration, read
from bulkhead.delivery.migrations.plan import Plan, Planned, countable, plan
from bulkhead.delivery.migrations.schema import Table, differences
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused

_TALLY: Final = "bulkhead_tally_"
_BROKEN: Final = re.compile(rf"{_TALLY}(\d+)")
_ANEW: Final = (
    "D1 ignores PRAGMA foreign_keys = OFF in a migration. Copy those rows aside in the same file and put them back "
    "after the rename, or leave the table as it is and add what is new"
)

_ENFORCED: Final = (
    "D1 enforces foreign keys during a migration, whatever PRAGMA foreign_keys says; after "
    "PRAGMA defer_foreign_keys = ON it checks them at the end of the file"
)


def planned(database: D1, migrations: Sequence[Migration], folder: str, baseline: str) -> Plan:
    """Return what a run would do, with the rows that are there now; changes nothing."""
    standing = ledger.read(database)
    found = plan(migrations, standing, folder, baseline)
    live = {folded(each.name) for each in standing.made if each.type == "table"}
    queries = [countable(each, live) for each in found.pending]
    answers = iter(database.read(*(sql for each in queries for sql in each.values())))
    rows = [{says: int(next(answers)[0]["n"]) for says in each} for each in queries]
    counted = (replace(each, rows=there) for each, there in zip(found.pending, rows, strict=True))
    return replace(found, pending=tuple(counted))


def apply(database: D1, plan: Plan, done: Callable[[Planned], None] = lambda _: None) -> list[str]:
    """Apply what is pending, calling ``done`` after each; return the names. Raises Failed for the first that D1
    refuses, of which nothing is left; those before it stay applied, and the next run goes on there."""
    if plan.unsummed:
        database.write(*(sql for each in plan.unsummed for sql in ledger.noting(each, applied=False)))
    for each in plan.pending:
        try:
            database.write(*script(each))
        except (SqlFailed, Uncertain) as error:
            if each.migration.name not in ledger.read(database).applied:
                raise _failed(database, each, error) from error
            # Its answer was lost, or another run was faster: it is applied, as a whole and once.
        done(each)
    return [each.migration.name for each in plan.pending]


def catch_up(database: D1, folder: Path) -> list[str]:
    """Apply whatever is pending, where nobody has to agree first. Raises Refused and Failed as the others do."""
    found = planned(database, read(folder), str(folder), "bulkhead migrate STAGE --baseline")
    if found.faults:
        raise Refused(f"The migrations of {database.name} cannot be applied.", found.faults)
    return apply(database, found)


def script(planned: Planned) -> Iterator[str]:
    """Yield the statements of one transaction: the file's own, what tallies its rows, and the note that it was
    applied."""
    tallies = planned.effect.tallies
    for index, statement in enumerate([*planned.migration.statements, ""]):
        for number, tally in enumerate(tallies):
            table = quoted(f"{_TALLY}{number}")
            if tally.until == index:
                kept = f'CASE WHEN {tally.after} >= "before" THEN 1 END'
                yield f'UPDATE {table} SET "after" = {kept};'  # noqa: S608 - quoted
                yield f"DROP TABLE {table};"
        for number, tally in enumerate(tallies):
            if tally.since == index:  # NOT NULL, because a file may switch CHECK constraints off
                table = quoted(f"{_TALLY}{number}")
                yield f'CREATE TABLE {table} ("before", "after" NOT NULL);'
                yield f"INSERT INTO {table} SELECT {tally.before}, 0;"
        if statement:
            yield statement
    yield from ledger.noting(planned.migration)


def _failed(database: D1, planned: Planned, error: SqlFailed | Uncertain) -> Exception:
    name = planned.migration.name
    if isinstance(error, Uncertain):
        message = "may still be applied: its answer was lost, and it is not noted down yet"
        return Refused(f"{error.summary}", [*error.faults, Fault(name, message, "run the same command again")])
    broken = _BROKEN.search(str(error))
    summary = f"migration {name} of database {database.name} failed, and left nothing"
    if broken is None:
        known = [_ENFORCED] if any("FOREIGN KEY" in reason for reason in error.reasons) else []
        return Failed(summary, [*error.reasons, *known])
    return Failed(summary, _explained(planned.effect.tallies[int(broken[1])]))


def _explained(tally: Tally) -> list[str]:
    if tally.own:
        return [f"{tally.says}. Rows that are to go are deleted by a statement of their own, before"]
    return [tally.says, _ANEW]


def baseline(database: D1, migrations: Sequence[Migration], folder: str) -> list[Migration]:
    """Return the migrations that the database has had already without a note of it, or with another checksum: up to
    the last after which the files make the very schema that it has. Raises Refused when they never do."""
    standing = ledger.read(database)
    there, copy = Copy(standing.made), Copy()
    fitting = 0
    for number, migration in enumerate(migrations, 1):
        effect = copy.run(migration)
        if effect.failure:
            place = f"{folder}/{migration.name}"
            raise Refused("The files do not make a database.", [Fault("", effect.failure, "mend it", place)])
        fitting = number if copy.schema == there.schema else fitting
    unmet = [name for name in standing.applied if name not in {each.name for each in migrations[:fitting]}]
    if not fitting or not any(isinstance(each, Table) for each in there.schema.values()) or unmet:
        found = [finding.says for finding in differences(copy.schema, there.schema)]
        message = (
            f"has a schema which no number of the files makes; against all of them: {'; '.join(found[:5]) or 'none'}"
        )
        fix = "mend the database or the files until they agree, then run this again"
        raise Refused("Nothing was noted down.", [Fault(database.name, message, fix, folder)])
    had = migrations[:fitting]
    return [each for each in had if standing.applied.get(each.name) != each.checksum]


def note(database: D1, migrations: Sequence[Migration]) -> None:
    """Note migrations down as applied, without running them."""
    applied = ledger.read(database).applied
    database.write(*(sql for each in migrations for sql in ledger.noting(each, applied=each.name not in applied)))
