"""An S3 bucket's own properties that separate resources can set as well: its versions, lock, lifecycle, policy,
encryption and log. The rules of those resources judge them. Its replication has no resource of its own here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bulkhead.preview.change import ResourceChange, Side, names_before
from bulkhead.preview.losses import expiry, guards, locks
from bulkhead.preview.losses.loss import UNSHOWN, Loss, Rule
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed


def settings(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A bucket's own settings protect less than before. A setting that is left out may not stay, unless a resource
    beside the bucket says it from now on; one that is new may have been said there."""
    if change.type != t.S3_BUCKET or change.action != "update" or change.old is None or change.new is None:
        return
    for type_, begins, convert, rule in _RESOURCES:
        was_said, said = (any(path.startswith(begins) for path in side.inputs) for side in (change.old, change.new))
        if not (was_said or said):
            continue
        beside = list(_beside(change, type_, plan))
        old = None if was_said else next((one.old for one in beside if one.old), None)
        new = None if said else next((one.new for one in beside if one.new), None)
        touched = any(path.startswith(begins) for path in change.paths)
        over = replace(change, type=type_, old=old or _side(change.old, convert), new=new or _side(change.new, convert))
        over = replace(over, paths=tuple(over.new.inputs) if over.new and touched else ())
        yield from (replace(loss, change=change) for loss in rule(over, plan))
    yield from _replication(change)


def lifecycle(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A lifecycle beside a bucket is compared with the one before it, or with what the bucket said of itself."""
    over = change
    bucket = _bucket(change, plan)
    if bucket is not None and bucket.old is not None and plan.over_predecessor(change) is change:
        if bucket.action == "update":
            return  # told of the bucket: see `settings`
        over = replace(change, action="update", old=_side(bucket.old, _lifecycle), paths=("rules",))
    yield from (replace(loss, change=change) for loss in expiry.lifecycle(over, plan))


def _bucket(lifecycle_: ResourceChange, plan: UpdatePlan) -> ResourceChange | None:
    """Return the bucket of a new lifecycle if it had one of its own."""
    name = lifecycle_.becomes("bucket")
    if (lifecycle_.type, lifecycle_.action) != (t.S3_BUCKET_LIFECYCLE_CONFIGURATION, "create"):
        return None
    named = plan.by("names before", [t.S3_BUCKET], names_before).get(name, ()) if isinstance(name, str) else ()
    return next((one for one in named if one.old and "lifecycleRules" in one.old.inputs), None)


def _beside(bucket: ResourceChange, type_: str, plan: UpdatePlan) -> Iterator[ResourceChange]:
    """Yield the resources of a type that were of the bucket, or will be."""
    name = bucket.becomes(bucket.named_by)
    return (
        one for one in plan.of(type_) if isinstance(name, str) and name in (one.was("bucket"), one.becomes("bucket"))
    )


def _replication(change: ResourceChange) -> Iterator[Loss]:
    """A bucket's objects are copied to fewer places than before."""
    path = "replicationConfiguration"
    was, becomes = (set(_copies(side)) for side in (change.old, change.new))
    lost, fix = "new objects have no copy in another bucket any more", f"leave {path} as it is"
    if (was - becomes and UNKNOWN not in becomes) or (was and UNKNOWN in {*was, *becomes} and change.differs(path)):
        yield Loss("guard-removed", change, f"{lost}, or none that {UNSHOWN}" if UNKNOWN in becomes else lost, fix)


def _copies(side: Side | None) -> Iterator[Any]:
    replication = _one(side.inputs, "replicationConfiguration") if side else MISSING
    if replication is UNKNOWN:
        yield UNKNOWN
    for rule in listed(replication, "rules"):
        if at(rule, "status") not in ("Disabled", MISSING):
            to = at(_one(rule, "destination"), "bucket")
            yield to if to is UNKNOWN else str(to)


def _side(side: Side | None, convert: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Side | None:
    return None if side is None else Side(side.id, inputs={"bucket": at(side.inputs, "bucket"), **convert(side.inputs)})


def _versioning(bucket: Mapping[str, Any]) -> dict[str, Any]:
    status, mfa = (_switch(at(_one(bucket, "versioning"), key)) for key in ("enabled", "mfaDelete"))
    return {"versioningConfiguration": {"status": status, "mfaDelete": mfa}}


def _policy(bucket: Mapping[str, Any]) -> dict[str, Any]:
    return {"policy": at(bucket, "policy")}


def _encryption(bucket: Mapping[str, Any]) -> dict[str, Any]:
    default = "applyServerSideEncryptionByDefault"
    rule = _one(_one(bucket, "serverSideEncryptionConfiguration"), "rule")
    return {"rules": rule if rule is UNKNOWN else [] if rule is MISSING else [{default: _one(rule, default)}]}


def _logging(bucket: Mapping[str, Any]) -> dict[str, Any]:
    return {"targetBucket": at(_one(bucket, "logging"), "targetBucket")}


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
    (t.S3_BUCKET_POLICY, "policy", _policy, guards.weakened),
    (t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION, "serverSideEncryption", _encryption, guards.weakened),
    (t.S3_BUCKET_LOGGING, "logging", _logging, guards.weakened),
)
