"""What a database has now that a backup has not, and the other way round: counted, not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.d1 import fingerprint, schema
from jobs.d1.manifest import Manifest
from jobs.d1.schema import Query


@dataclass(frozen=True, slots=True)
class Table:
    """How many rows a table has ``now`` and had ``then``; None where it is not there."""

    name: str
    then: int | None
    now: int | None

    def __str__(self) -> str:
        if self.now is None:
            return f"table {self.name}: comes back, rows: {self.then:,}"
        if self.then is None:
            return f"table {self.name}: goes, rows: {self.now:,}"
        rows = f"table {self.name}: rows: {self.now:,} now, {self.then:,} then"
        if self.now == self.then:
            return f"{rows}, some with other values"
        more = self.now - self.then
        return f"{rows}: {abs(more):,} {'are lost' if more > 0 else 'come back'}, and what was changed since"


def since(query: Query, manifest: Manifest) -> Iterator[Table]:
    """Yield each table that is not as the backup has it, as far as counts, types and sums of bytes show it. Raises
    DumpFailed where nobody can say what the database is made of."""
    there = {each.name: each for each in _tables(query)}
    for name in sorted({*there, *manifest.tables} - {schema.SEQUENCE}):
        then = manifest.tables.get(name)
        now = fingerprint.facts(query, there[name]) if name in there else None
        if then is None or now is None or (now.rows, now.columns) != (then.rows, then.columns):
            yield Table(name, then.rows if then else None, now.rows if now else None)


def rows(query: Query) -> Iterator[tuple[str, int]]:
    """Yield each table with how many rows it has."""
    for table in _tables(query):
        yield table.name, fingerprint.facts(query, table).rows


def _tables(query: Query) -> Iterator[schema.Table]:
    return (each for each in schema.read(query).tables if each.name != schema.SEQUENCE)
