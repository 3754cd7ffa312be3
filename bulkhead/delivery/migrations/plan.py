"""What a run of migrations would do to one database, and what stops it (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bulkhead.clients.sql import folded, quoted
from bulkhead.delivery.migrations.copy import Copy, Uncopied
from bulkhead.delivery.migrations.effects import Effect
from bulkhead.delivery.migrations.files import Migration, order
from bulkhead.delivery.migrations.ledger import Standing
from bulkhead.delivery.migrations.schema import Finding, Kind
from bulkhead.model.faults import Fault


@dataclass(frozen=True, slots=True)
class Planned:
    """One migration that would be applied. ``findings`` are seen from the code that runs now: what no table of the
    database has yet, nothing can rely on. ``rows`` are those which the database has now, by what is said of them."""

    migration: Migration
    effect: Effect
    findings: tuple[Finding, ...]
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it is, the gravest first."""
        found = {finding.kind for finding in self.findings}
        return tuple(kind for kind in (Kind.CONTRACT, Kind.DATA, Kind.EXPAND) if kind in found)

    @property
    def unjudged(self) -> str:
        """Why nobody can say what it does, empty where somebody can."""
        return self.effect.failure

    @property
    def taken(self) -> str:
        """What running code may still use and it takes away, empty where that is nothing."""
        return "; ".join(finding.says for finding in self.findings if finding.kind is Kind.CONTRACT)


@dataclass(frozen=True, slots=True)
class Plan:
    """``pending`` would be applied in this order; of ``unsummed``, which somebody else applied, the checksums would be
    noted down. ``faults`` stop it whatever anybody agrees to. ``baseline`` is the command for a database that has
    tables and no note of any migration."""

    pending: tuple[Planned, ...] = ()
    unsummed: tuple[Migration, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    baseline: str = ""


def plan(migrations: Sequence[Migration], standing: Standing, folder: str, baseline: str) -> Plan:
    """Return what applying ``migrations`` to a database that stands so would do. ``baseline`` is the command that takes
    the files for what was applied."""
    files = {each.name: each for each in migrations}
    pending = [each for each in migrations if each.name not in standing.applied]
    applied = [files[name] for name in standing.applied if name in files]
    absent = [name for name in standing.applied if name not in files]
    changed = [each for each in applied if standing.applied[each.name] not in {None, each.checksum}]
    faults = [_changed(each, folder, baseline) for each in changed]
    sums = {standing.applied[name]: name for name in absent if standing.applied[name]}
    faults += [_renamed(each, sums[each.checksum], folder) for each in pending if each.checksum in sums]
    notes = [
        f"{name} was applied and is not in {folder}: this checkout may be older than the database" for name in absent
    ]
    last = max((order(each.name) for each in applied), default=())
    notes += [f"{each.name} comes before one that was applied already" for each in pending if order(each.name) < last]
    unsummed = [each for each in applied if standing.applied[each.name] is None]
    unnoted = baseline if standing.made and not standing.applied else ""
    if unnoted and pending:
        notes.append(f"has tables and no note of any migration; where it had these files already: {unnoted}")
    return Plan(tuple(judged(pending, standing)), tuple(unsummed), tuple(faults), tuple(notes), unnoted)


def judged(pending: Sequence[Migration], standing: Standing) -> Iterator[Planned]:
    """Yield each migration with what it would do."""
    try:
        copy, failed = Copy(standing.made), ""
    except Uncopied as reason:
        copy, failed = Copy(), f"the schema that there is cannot be copied: {reason}"
    live = set(copy.schema)
    for migration in pending:
        effect = Effect(failure=failed) if failed else copy.run(migration)
        if effect.failure and not failed:
            failed = f"{migration.name}, before it, could not be run"
        yield Planned(migration, effect, tuple(_seen_from(live, each) for each in effect.findings))


def _seen_from(live: set[str], finding: Finding) -> Finding:
    return finding if folded(finding.table) in live else replace(finding, kind=Kind.EXPAND, lost=False)


def countable(planned: Planned, live: set[str]) -> dict[str, str]:
    """Return queries for the rows that a migration would touch or drop, as far as they are there now, by what is said
    of them. ``live`` are the tables that there are."""
    found: dict[str, str] = {}
    for finding in planned.findings:
        if folded(finding.table) in live and (finding.lost or finding.kind is Kind.DATA):
            what = quoted(finding.column) if finding.column else "*"
            found[finding.says] = f"SELECT count({what}) AS n FROM {quoted(finding.table)};"  # noqa: S608 - quoted
    for tally in planned.effect.tallies:
        if folded(tally.table) in live and not tally.own:
            found[tally.says] = f"SELECT count(*) AS n FROM {quoted(tally.table)};"  # noqa: S608 - quoted
    return found


def _changed(migration: Migration, folder: str, baseline: str) -> Fault:
    message = "was changed after it was applied; the database has what it said before"
    fix = f"put back what it was and write a new migration; if both make the same schema: {baseline}"
    return Fault("", message, fix, f"{folder}/{migration.name}")


def _renamed(migration: Migration, before: str, folder: str) -> Fault:
    message = f"was applied as {before}, and would be applied again under its new name"
    return Fault("", message, f"give it back its name: git mv {folder}/{migration.name} {folder}/{before}", folder)
