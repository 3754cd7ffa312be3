"""Resource options: what keeps a resource from being deleted by mistake."""

from __future__ import annotations

from collections.abc import Iterator

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.plan import UpdatePlan


def unguarded(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """``protect`` or ``retainOnDelete`` is removed: nothing is lost yet, but the next change may lose it without a
    warning."""
    if change.old is None or change.new is None or change.action == "refresh":
        return
    if change.action == "read":  # the engine never shows a resource that was only read as protected
        if change.old.protect and not change.old.external:
            lost = "nothing yet; it is only read from now on, so neither protect nor any up looks after it any more"
            yield Loss("unprotected", change, lost, f"make {change.name} with its arguments again, not with get()")
        return
    if change.old.protect and not change.new.protect:
        lost = "nothing yet; the next change may delete or replace it, and Pulumi will not object"
        yield Loss("unprotected", change, lost, "leave protect=True, in its own options and in those of its parents")
    if change.old.retained and not change.new.retained:
        lost = "nothing yet; once it leaves the program, it is deleted from its cloud instead of being left there"
        yield Loss("unretained", change, lost, "leave retain_on_delete=True, in its own options and in its parents'")
