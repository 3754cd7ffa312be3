"""Side resources that guard a bucket: who can reach its objects, and whether access is logged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.denials import still_denied
from bulkhead.preview.losses.loss import UNSHOWN, Loss
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.kind import Guard
from bulkhead.resources.statements import statements
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, leaves, listed

_ELSEWHERE: Final = ("jurisdiction", "region")  # where the same name is another thing
_STRENGTH: Final = ("AES256", "aws:kms", "aws:kms:dsse")


def removed(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """The guard of a bucket that stays is removed, or its own replacement removes it."""
    if plan.host_goes(change):
        return
    guard = _bucket_guard(change)
    if guard and change.leaves_its_bucket:
        yield Loss("guard-removed", change, guard.lost, f"bring {change.name} back into the program")
    elif (guard or _is_one_per_bucket(change)) and _undoes_itself(change):
        lost = "the bucket has one such setting: it is made anew, and then the deletion of the old one removes it"
        yield Loss("guard-removed", change, lost, "delete_before_replace=True, or change what forces the replacement")


def _bucket_guard(change: ResourceChange) -> Guard | None:
    """Return the catalogue's guard for a side resource, None if it guards no other resource."""
    guard = change.row.guards if change.row else None
    return guard if guard and guard.lost else None


def _is_one_per_bucket(change: ResourceChange) -> bool:
    """Whether a bucket has only one such setting, so that deleting the old resource removes what the new one has just
    set."""
    return change.row is not None and change.host is not None and change.row.identity_inputs == (change.host.path,)


def _undoes_itself(change: ResourceChange) -> bool:
    """Whether the old setting is deleted after the new one was made for the same bucket."""
    return change.action == "replace" and not (change.deleted_first or change.moves or change.retained)


def undone(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A replacement makes the same thing again and then deletes it: its cloud knows the two by one name."""
    if change.holds_data or change.left_behind or _bucket_guard(change) or _is_one_per_bucket(change):
        return
    if change.action == "replace" and not (change.deleted_first or change.retained) and _is_one_thing(change):
        lost = "it is written over, or refused, and then the deletion of the old one removes what has just been made"
        yield Loss("undone", change, lost, "delete_before_replace=True, or change what forces the replacement")


def _is_one_thing(change: ResourceChange) -> bool:
    """Whether both sides of a replacement are one thing by what the catalogue says of their type. What tells one from
    others in the same place, the cloud makes up anew for each unless the program says it."""
    stated = [path for path in change.row.identity_inputs if change.becomes(path) is not MISSING] if change.row else []
    told = change.row is not None and change.row.identity_inputs[-1:] == tuple(stated[-1:])
    pairs = [(change.was(path), change.becomes(path)) for path in stated] if told else []
    elsewhere = any(change.differs(path) for path in _ELSEWHERE)
    return bool(pairs) and not elsewhere and all(was == becomes is not UNKNOWN for was, becomes in pairs)


def weakened(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """The guard of a bucket stays, but protects less than before."""
    guard = _bucket_guard(change)
    if guard is None or plan.host_goes(change):
        return
    over = plan.over_predecessor(change)
    if over.action in {"update", "replace"}:
        yield from (replace(loss, change=change) for loss in _weaker(over, guard))


def _weaker(change: ResourceChange, guard: Guard) -> Iterator[Loss]:
    if change.type in {t.S3_BUCKET_PUBLIC_ACCESS_BLOCK, t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK}:
        for flag in guard.inputs:
            if change.was(flag) in (True, UNKNOWN) and change.becomes(flag) is not True and change.differs(flag):
                yield Loss("guard-weakened", change, f"{flag}, part of {guard.lost}", f"leave {flag} on")
    elif change.type == t.S3_BUCKET_OWNERSHIP_CONTROLS:
        path, own = "rule.objectOwnership", "BucketOwnerEnforced"
        if change.was(path) in (own, UNKNOWN) and change.becomes(path) != own and change.differs(path):
            yield Loss("guard-weakened", change, guard.lost, f"leave object_ownership {own}")
    elif change.type == t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION:
        was = _strength(change.was("rules"), unknown=len(_STRENGTH) - 1)
        becomes = _strength(change.becomes("rules"), unknown=-1)
        if becomes < was and change.differs("rules"):
            unsure = f" {UNSHOWN}" if UNKNOWN in leaves(change.becomes("rules")) else ""
            lost = f"{guard.lost}{unsure}"
            yield Loss("guard-weakened", change, lost, f"leave sse_algorithm {_STRENGTH[was]}")
        elif _keyed(change.was("rules")) and not _keyed(change.becomes("rules")) and change.differs("rules"):
            lost = f"{guard.lost}: AWS's own key takes its place, which every reader in the account may use"
            yield Loss("guard-weakened", change, lost, "leave kms_master_key_id, or name another key of the stage")
    elif change.type == t.S3_BUCKET_LOGGING:
        if change.was("targetBucket") is not MISSING and change.differs("targetBucket"):
            where = "goes to another bucket from then on"
            if (becomes := change.becomes("targetBucket")) in (UNKNOWN, MISSING):
                where = UNSHOWN if becomes is UNKNOWN else "is written no more"
            lost = f"{guard.lost} {where}"
            yield Loss("guard-weakened", change, lost, "leave target_bucket as it is")
    elif change.type in {t.S3_BUCKET_POLICY, t.KMS_KEY_POLICY}:
        yield from denials(change)


def _strength(rules: Any, unknown: int) -> int:
    """Return the strength of the weakest default encryption as an index of _STRENGTH, or ``unknown`` if it is not
    known."""
    algorithms = [at(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm") for rule in listed(rules)]
    if UNKNOWN in (rules, *algorithms):
        return unknown
    return min((_STRENGTH.index(each) if each in _STRENGTH else -1 for each in algorithms), default=-1)


def _keyed(rules: Any) -> bool:
    """Whether the default encryption names a key; one that is not known yet is a key."""
    keys = [at(rule, "applyServerSideEncryptionByDefault", "kmsMasterKeyId") for rule in listed(rules)]
    return rules is UNKNOWN or any(key not in (MISSING, "") for key in keys)


def denials(change: ResourceChange) -> Iterator[Loss]:
    """A statement that denied something is gone or denies less. Denials keep locked backups and their keys from being
    deleted; the policy pack judges what a policy allows."""
    before, after = document({"it": change.was("policy")}, "it"), document({"it": change.becomes("policy")}, "it")
    denied = [each for each in listed(before, "Statement") if at(each, "Effect") in ("Deny", UNKNOWN)]
    if not (denied or before is UNKNOWN) or not change.differs("policy"):
        return
    if UNKNOWN in (before, after):
        lost = f"what the policy denies {UNSHOWN}"
        fix = "let the policy name buckets, keys and roles by names that do not depend on what is made"
        yield Loss("guard-weakened", change, lost, fix)
        return
    still = [each for each in statements(after) if each.denies]
    for each in denied:
        [was] = statements({"Statement": [each]}) or [None]
        if UNKNOWN in leaves(each) or was is None or not still_denied(was, still):
            name = at(each, "Sid")
            lost = f"the policy's denial {name if isinstance(name, str) else 'without a Sid'}, as it was"
            yield Loss("guard-weakened", change, lost, "leave the statement, or let it deny more")
