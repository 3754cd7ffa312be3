"""Resources that leave the state without being deleted (pure): they still exist, and nothing manages them any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources.kind import PROVIDER


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A resource that leaves the state. ``remains`` says what still exists, and what follows from that."""

    change: ResourceChange
    remains: str


def forgotten(plan: UpdatePlan) -> Iterator[Forgotten]:
    """Yield what an `up` would forget."""
    for change in plan.changes:
        if not change.custom or change.type.startswith(PROVIDER) or change.old is None:
            continue
        if change.action == "delete" and change.left_behind:
            yield Forgotten(change, change.left_behind)
        elif change.action == "delete" and change.old.retained:
            yield Forgotten(change, _stays(change))
        elif change.action == "read" and change.holds_data:
            yield Forgotten(change, "it is only read, so no up changes it, and no destroy deletes it")


def _stays(change: ResourceChange) -> str:
    if change.holds_data:
        return "it stays in its cloud with all its data, where it costs, is backed up by nobody, and nothing erases it"
    return "it stays in its cloud as it is (retainOnDelete)"
