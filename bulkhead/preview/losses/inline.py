"""An S3 bucket's own properties that separate resources can set as well: versioning, lock and lifecycle.

The rules of those resources judge them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bulkhead.preview.losses import expiry, locks
from bulkhead.preview.losses.loss import Loss, Rule
from bulkhead.preview.plan import ResourceChange, Side, UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed


def settings(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A bucket's own settings protect less than before. A setting that is left out may not stay."""
    if change.type != t.S3_BUCKET or change.action != "update":
        return
    for type_, begins, convert, rule in _RESOURCES:
        touched = any(path.startswith(begins) for path in change.paths)
        over = replace(change, type=type_, old=_side(change.old, convert), new=_side(change.new, convert))
        over = replace(over, paths=tuple(over.new.inputs) if over.new and touched else ())
        yield from (replace(loss, change=change) for loss in rule(over, plan))


def _side(side: Side | None, convert: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Side | None:
    return None if side is None else Side(side.id, inputs={"bucket": at(side.inputs, "bucket"), **convert(side.inputs)})


def _versioning(bucket: Mapping[str, Any]) -> dict[str, Any]:
    status, mfa = (_switch(at(_one(bucket, "versioning"), key)) for key in ("enabled", "mfaDelete"))
    return {"versioningConfiguration": {"status": status, "mfaDelete": mfa}}


def _switch(flag: Any) -> Any:
    return UNKNOWN if flag is UNKNOWN else "Enabled" if flag is True else "Disabled"


def _lock(bucket: Mapping[str, Any]) -> dict[str, Any]:
    rule = _one(at(bucket, "objectLockConfiguration"), "rule")
    return {"rule": {"defaultRetention": _one(rule, "defaultRetention")}}


def _lifecycle(bucket: Mapping[str, Any]) -> dict[str, Any]:
    rules = at(bucket, "lifecycleRules")
    return {"rules": UNKNOWN if rules is UNKNOWN else [_rule(rule) for rule in listed(rules)]}


def _rule(rule: Any) -> Any:
    if rule is UNKNOWN:
        return UNKNOWN
    ends, earlier = (_one(rule, key) for key in ("expiration", "noncurrentVersionExpiration"))
    return {
        "status": _switch(at(rule, "enabled")),
        "prefix": at(rule, "prefix"),
        "filter": {"and": {"tags": at(rule, "tags")}},
        "expiration": ends,
        "noncurrentVersionExpiration": {"noncurrentDays": at(earlier, "days")},
    }


def _one(value: Any, key: str) -> Any:
    """Return the property ``key``; the deprecated BucketV2 has a list where Bucket has one value."""
    found = at(value, key)
    return at(value, f"{key}s", 0) if found is MISSING else found


# The resource, the prefix of the bucket's own properties for it, their conversion to its inputs, and its rule.
_RESOURCES: Final[tuple[tuple[str, str, Callable[[Mapping[str, Any]], dict[str, Any]], Rule], ...]] = (
    (t.S3_BUCKET_VERSIONING, "versioning", _versioning, locks.versioning),
    (t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION, "objectLockConfiguration", _lock, locks.object_lock),
    (t.S3_BUCKET_LIFECYCLE_CONFIGURATION, "lifecycleRules", _lifecycle, expiry.lifecycle),
)
