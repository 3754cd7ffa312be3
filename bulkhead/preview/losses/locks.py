"""Locks and versions: what keeps objects from being deleted or overwritten before their time."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any, Final

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.loss import UNSHOWN, Loss, day, number
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import UNKNOWN, at, leaves, listed

_YEAR: Final = 365
_INSTEAD: Final = "leave the lock as it is: a lock is only ever made longer"
_MAY_BE_ON: Final = ("Enabled", UNKNOWN)
_CHANGED: Final = frozenset({"update", "replace"})


def object_lock(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """S3's default lock of new objects is shorter, weaker or gone."""
    if change.type != t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION or plan.host_goes(change):
        return
    if change.leaves_its_bucket:
        yield Loss("lock-shortened", change, "new objects are not locked at all, and can be deleted at once", _INSTEAD)
        return
    over = plan.over_predecessor(change)
    if over.action not in _CHANGED:
        return
    (was, was_mode), (becomes, mode) = _default(over.was("rule")), _default(over.becomes("rule"))
    if UNKNOWN in (becomes, mode, was, was_mode):
        if over.differs("rule"):
            yield Loss("lock-shortened", change, f"for how long new objects are locked {UNSHOWN}", _INSTEAD)
        return
    if becomes < was:
        lost = f"new objects can be deleted after {becomes:g} days instead of {was:g}"
        yield Loss("lock-shortened", change, lost, _INSTEAD)
    if was_mode == "COMPLIANCE" and mode != "COMPLIANCE":
        lost = "whoever may bypass governance can delete new objects, where nobody could before"
        yield Loss("lock-weakened", change, lost, "leave the mode COMPLIANCE")


def _default(rule: Any) -> tuple[Any, Any]:
    """Return for how many days a new object is locked (0 for no lock), and the lock's mode."""
    days, years, mode = (at(rule, "defaultRetention", key) for key in ("days", "years", "mode"))
    days, years = number(days), number(years)
    return (UNKNOWN if UNKNOWN in (days, years) else days + years * _YEAR), mode


def bucket_lock(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """R2's locks hold for a shorter time, or for fewer objects. Removing the resource leaves them."""
    if change.type != t.R2_BUCKET_LOCK or plan.host_goes(change):
        return
    over = plan.over_predecessor(change)
    if over.action not in _CHANGED:
        return
    before, after = over.was("rules"), over.becomes("rules")
    if UNKNOWN in (*leaves(before), *leaves(after)):
        if over.differs("rules"):
            yield Loss("lock-shortened", change, f"for how long objects are locked {UNSHOWN}", _INSTEAD)
        return
    prefixes = dict.fromkeys(_prefix(rule) for rule in (*listed(before), *listed(after)))
    shorter = [
        f"under {prefix!r}" if prefix else "anywhere in the bucket"
        for prefix in prefixes
        for was, becomes in zip(_held(before, prefix), _held(after, prefix), strict=True)
        if becomes < was
    ]
    if shorter:
        lost = f"objects can be deleted sooner: {', '.join(dict.fromkeys(shorter))}"
        yield Loss("lock-shortened", change, lost, _INSTEAD)


def _held(rules: Any, prefix: str) -> tuple[float, float]:
    """Return the longest lock under a prefix: by age in seconds, and by date as an ordinal."""
    ages, dates = [0.0], [0.0]
    for rule in listed(rules):
        if at(rule, "enabled") is not True or not prefix.startswith(_prefix(rule)):
            continue
        condition = at(rule, "condition")
        if at(condition, "type") == "Indefinite":
            return inf, inf
        age = number(at(condition, "maxAgeSeconds"))
        ages.append(0.0 if age is UNKNOWN else age)
        until = at(condition, "date")
        dates.append(day(until) if isinstance(until, str) and until else 0.0)
    return max(ages), max(dates)


def _prefix(rule: Any) -> str:
    prefix = at(rule, "prefix")
    return prefix if isinstance(prefix, str) else ""


def versioning(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A bucket stops keeping versions. Removing the resource suspends versioning as well (terraform-provider-aws)."""
    if change.type != t.S3_BUCKET_VERSIONING or plan.host_goes(change):
        return
    over = plan.over_predecessor(change)
    path = "versioningConfiguration.status"
    was, becomes = over.was(path), over.becomes(path)
    fix = 'leave versioning_configuration={"status": "Enabled"}'
    lost = "what is overwritten or deleted from then on cannot be brought back"
    if change.leaves_its_bucket:
        if was in _MAY_BE_ON:
            yield Loss("versioning-suspended", change, f"removing it suspends versions: {lost}", fix)
        return
    if over.action not in _CHANGED:
        return
    if was in _MAY_BE_ON and becomes != "Enabled" and over.differs(path):
        unsure = f"whether versions are kept {UNSHOWN}"
        yield Loss("versioning-suspended", change, unsure if becomes is UNKNOWN else lost, fix)
        if UNKNOWN in (was, becomes):
            return  # nothing more can be said about the second factor
    mfa = "versioningConfiguration.mfaDelete"
    if over.was(mfa) in _MAY_BE_ON and over.becomes(mfa) != "Enabled" and over.differs(mfa):
        lost = "versions can be deleted without a second factor"
        yield Loss("lock-weakened", change, lost, "leave mfa_delete Enabled")
