"""KMS keys: data whose key is gone can never be read again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses import guards
from bulkhead.preview.losses.loss import UNSHOWN, Loss, lessened, number
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.kind import Link
from bulkhead.resources.values import MISSING, UNKNOWN

_WINDOW: Final = 30  # days; AWS KMS API, ScheduleKeyDeletion
_ROTATION: Final = 365  # days; AWS KMS API, EnableKeyRotation
_OF_KEYS: Final = frozenset({t.KMS_ALIAS, t.KMS_KEY_POLICY, t.KMS_REPLICA_KEY})  # each is nothing without its key
_NO_KEY: Final = (MISSING, "")


def key(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A key is disabled, can be deleted sooner, denies less, or is rotated less often."""
    if change.type not in {t.KMS_KEY, t.KMS_REPLICA_KEY} or change.action != "update":
        return
    enabled = "enabled" if change.type == t.KMS_REPLICA_KEY else "isEnabled"
    if change.becomes(enabled) in (False, UNKNOWN) and change.was(enabled) is not False and change.differs(enabled):
        lost = "nothing that was encrypted with the key can be read until it is enabled again, the backups neither"
        yield Loss("key-disabled", change, lost, "leave the key enabled")
    window = "deletionWindowInDays"
    if days := lessened(change, window, _WINDOW):
        was, becomes = days
        lost, fix = f"the time to undo a deletion {UNSHOWN}", "say it as a number"
        if UNKNOWN not in days:
            lost = f"there are {becomes:g} days instead of {was:g} to take back a deletion of the key"
            fix = f"leave {window} at {was:g}"
        yield Loss("key-window-shortened", change, lost, fix)
    if change.becomes("policy") is not MISSING:  # without one, the provider leaves the policy that the key has
        yield from guards.denials(change)
    if change.type == t.KMS_KEY:
        yield from _rotation(change)


def _rotation(change: ResourceChange) -> Iterator[Loss]:
    rotates = "enableKeyRotation"
    was, becomes = change.was(rotates), change.becomes(rotates)
    if was in (True, UNKNOWN) and becomes is not True and change.differs(rotates):
        lost = "the key is never changed again, so one that leaked opens everything to come"
        yield Loss("key-rotation-reduced", change, lost, "leave enable_key_rotation=True")
        return
    path = "rotationPeriodInDays"
    before, after = (number(value, _ROTATION) for value in (change.was(path), change.becomes(path)))
    rarer = change.differs(path) if UNKNOWN in (before, after) else after > before
    if was in (True, UNKNOWN) and rarer:
        lost = "the key is changed less often than before"
        yield Loss("key-rotation-reduced", change, lost, f"leave {path} as it is")


def alias(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A key's alias points to another key, or to none."""
    if change.type != t.KMS_ALIAS:
        return
    becomes = change.becomes("targetKeyId")
    if change.deletes:
        lost = "whoever asks for the key by this name finds none, and can neither read nor write"
        yield Loss("key-alias-moved", change, lost, "leave the alias, or change everybody who uses it first")
    elif change.action == "replace" and change.differs("name") and not change.retained:
        lost = "whoever asks for the key by its former name finds none, and can neither read nor write"
        yield Loss("key-alias-moved", change, lost, "leave its name, and give the key a second alias")
    elif change.action in {"update", "replace"} and change.differs("targetKeyId"):
        unsure = ", or is not known yet to lead to the same" if becomes is UNKNOWN else ""
        lost = f"the name leads to another key{unsure}: what was encrypted by it cannot be read by it"
        yield Loss("key-alias-moved", change, lost, "leave target_key_id, and give the other key a name of its own")


def dropped(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """What is written from now on is not encrypted with the key that it was encrypted with."""
    emptied = change.action == "replace" and change.holds_data  # that says more
    if change.row is None or change.type in _OF_KEYS or change.action not in {"update", "replace"} or emptied:
        return
    lost = "what is written from now on can be read by whoever may use the account, and not only by who may use the key"
    for reference in change.row.references:
        named = reference.link is Link.KEY and "[" not in reference.path
        if named and change.was(reference.path) not in _NO_KEY and change.becomes(reference.path) in _NO_KEY:
            yield Loss("key-dropped", change, lost, f"leave {reference.path}, or name another key of the stage")
    if change.type == t.SSM_PARAMETER and change.was("type") == "SecureString" != change.becomes("type"):
        yield Loss("key-dropped", change, "the value lies there in clear", 'leave type="SecureString"')
