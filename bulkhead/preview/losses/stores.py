"""Stores: what is lost when one is deleted, replaced or moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.loss import UNSHOWN, Loss
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.kind import PROVIDER
from bulkhead.resources.values import MISSING, UNKNOWN

_BACKUP_FIRST: Final = "take a backup and copy the data over first; then ask for a waiver in docs/ops/waivers.yaml"


def gone(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A store is deleted, replaced by an empty one, or was deleted behind Pulumi's back."""
    row, holds = change.row, change.holds_data
    if row is None or not holds:
        return
    if change.deletes:
        fix = f"bring {change.name} back into the program, or {_BACKUP_FIRST}"
        yield Loss("deleted", change, f"the {change.kind} is deleted, with {holds}", fix)
    elif change.action == "replace":
        yield Loss(
            "replaced", change, _replaced(change, holds), f"leave {_reasons(change)} as before, or {_BACKUP_FIRST}"
        )
    elif change.action == "create" and change.old is not None:
        lost = f"the {change.kind} is gone from its cloud already, and the up would make an empty one in its place"
        fix = "find out who deleted it; then ask for a waiver, and fill the new one from a backup"
        yield Loss("gone", change, lost, fix)
    elif change.action in {"same", "update"}:
        for path in sorted(row.replaced_by):  # if one of these is not known, the store may be replaced
            if change.becomes(path) is UNKNOWN and change.differs(path):
                lost = f"the {change.kind}, with {holds}: {path} {UNSHOWN}, and another value replaces it"
                yield Loss("replaced", change, lost, f"give {path} a value that does not depend on what is made")


def _replaced(change: ResourceChange, holds: str) -> str:
    unsure = [reason for reason in change.reasons if change.becomes(reason) is UNKNOWN]
    why = f"because of {_reasons(change)}" + (f" ({', '.join(unsure)} is not known yet)" if unsure else "")
    if change.retained:
        return f"an empty {change.kind} takes its place {why}; the old one stays in its cloud, and nothing uses it"
    return f"the {change.kind} is replaced by an empty one {why}, and with the old one goes {holds}"


def _reasons(change: ResourceChange) -> str:
    return ", ".join(change.reasons) or "what forces the replacement"


def jurisdiction(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A bucket cannot move: in another jurisdiction the same name is another bucket, or none. The provider replaces
    nothing then, and looks for it there (terraform-provider-cloudflare 5.22, source)."""
    if change.type != t.R2_BUCKET or change.action != "update":
        return
    was, becomes = (
        "default" if value is MISSING else value
        for value in (change.was("jurisdiction"), change.becomes("jurisdiction"))
    )
    if was != becomes and becomes is not UNKNOWN:
        lost = f"the bucket is looked for in jurisdiction {becomes}, where its objects are not"
        yield Loss("jurisdiction-changed", change, lost, "make a new bucket there, and copy the objects over")


def emptied(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A bucket will be deleted together with its objects."""
    if change.type != t.S3_BUCKET or change.action not in {"same", "update", "import"}:
        return
    path = "forceDestroy"
    if change.becomes(path) in (True, UNKNOWN) and change.was(path) is not True and change.differs(path):
        lost = "the next deletion or replacement of the bucket empties it first, where S3 would have refused"
        yield Loss("force-destroy", change, lost, "leave forceDestroy off")


def unreviewed(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A resource is deleted, replaced or found missing whose type has no row, so it may hold data."""
    known = change.row is not None or change.type.startswith(PROVIDER)
    made_again = change.action == "create" and change.old is not None
    if known or not (change.deletes or change.action == "replace" or made_again):
        return
    lost = f"whatever is in it: nobody has said yet whether a {change.type} holds data"
    fix = "find out, and say it: give the type a row in the catalogue, bulkhead/resources/, with what it holds"
    yield Loss("unreviewed", change, lost, fix)
