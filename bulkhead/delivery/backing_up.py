"""A copy of the databases in the vault before a deployment changes them (BAK-15)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from bulkhead.clients.d1 import D1
from bulkhead.delivery.migrations.schema import Kind
from bulkhead.delivery.migrations.stage import Folder
from bulkhead.delivery.plan import Plan
from bulkhead.model.faults import Refused

Backup = Callable[[Mapping[str, D1]], Sequence[str]]


def backed_up(
    plan: Plan, databases: Iterable[tuple[Folder, D1]], backup: Backup, say: Callable[[str], None]
) -> list[str]:
    """Back up the databases that the migrations of a plan are for; return the keys.

    Raises Refused where that cannot be done and a migration takes something away or touches rows. One that only adds
    has the bookmark to go back to, and is not held up: a database that no dump can hold could never be changed."""
    files = {each.file for each in plan.migrations}
    chosen = {
        folder.database: there
        for folder, there in databases
        if any(folder.file(each) in files for each in folder.migrations)
    }
    try:
        keys = list(backup(chosen)) if chosen else []
    except Refused as refused:
        if any(kind != Kind.EXPAND for each in plan.migrations for kind in each.kinds):
            raise
        for fault in refused.faults:
            say(f"  not backed up: {fault}")
        return []
    for key in keys:
        say(f"  {key}")
    return keys
