"""A database kept fast: its indexes built again, and what its planner counts counted again (REL-7).

Each statement is a query of its own, because D1 answers nobody else meanwhile and gives each 30 seconds. VACUUM is
refused there: every query is in a transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.model.faults import Fault, Refused
from jobs.d1.values import name

_TABLES = (
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    " AND substr(name, 1, 7) != 'sqlite_' AND substr(name, 1, 4) != '_cf_' ORDER BY name;"
)


@dataclass(frozen=True, slots=True)
class Done:
    """One statement. ``failed`` is why D1 did not do it, in its own words; the others are done all the same."""

    database: str
    statement: str
    seconds: float
    failed: str = ""


def statements(database: D1, logical: str, wanted: Sequence[str]) -> list[str]:
    """Return what is to be run. ``wanted`` are tables of the settings, ``main.bookings``; none are all of them. Raises
    Refused for one that the database does not have."""
    (rows,) = database.read(_TABLES)
    there = [str(row["name"]) for row in rows]
    mine = [each.partition(".")[2] for each in wanted if each.partition(".")[0] == logical]
    if lost := [each for each in mine if each not in there]:
        fix = "correct bulkhead:database.optimizeTables"
        faults = [Fault(f"{logical}.{each}", f"is no table of {database.name}", fix) for each in lost]
        raise Refused("Nothing was optimized.", faults)
    chosen = mine if wanted else there
    # With the schema's name, because REINDEX takes a bare one for a collation's before it takes it for a table's.
    acts = [f"{act} main.{name(each)};" for each in chosen for act in ("REINDEX", "ANALYZE")]
    return [*acts, "PRAGMA optimize;"] if chosen else []


def optimize(
    database: D1, logical: str, acts: Sequence[str], clock: Callable[[], float] = time.monotonic
) -> Iterator[Done]:
    """Run the statements, each by itself. Killed anywhere, it can be begun again."""
    for act in acts:
        began, failed = clock(), ""
        try:
            database.write(act)
        except SqlFailed as refused:
            failed = str(refused)
        yield Done(logical, act, round(clock() - began, 3), failed)
