"""Rules about the buckets of backups: nothing in them is deleted too early."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.model.naming import Kind
from bulkhead.model.vault import Life, lives
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed, number
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.aws_storage import beside, is_vault

_YEAR: Final = 365


def _unlocked(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    days = context.settings.backup.lock.daily_days  # the job gives the copies of longer tiers a longer lock
    if days == 0:  # everywhere but in production, as the settings demand
        return
    causes = "Whoever gets at the account, or a mistaken command, could delete every backup at once"
    fix = f'add a BucketObjectLockConfiguration with default_retention={{"mode": "GOVERNANCE", "days": {days}}}'
    for bucket in stack.of(t.S3_BUCKET):
        if not is_vault(bucket, context):
            continue
        # It is the configuration that turns locks on, for a bucket that was made without them too (provider's docs).
        locks = beside(stack, bucket, t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION)
        if not locks:
            yield Violation("locks no new backup", causes, fix, bucket)
        for lock in locks:
            locked = _retention(lock)
            if locked is not UNKNOWN and locked < days:
                wrong = f"locks a new backup for {locked:g} days, and the stage's settings say {days}"
                yield Violation(wrong, causes, fix, lock)


def _retention(lock: ObservedResource) -> Any:
    """Return for how many days a new object is locked, or UNKNOWN."""
    days, years = (number(lock.props, "rule", "defaultRetention", unit) for unit in ("days", "years"))
    if days is UNKNOWN or years is UNKNOWN:
        return UNKNOWN
    return (days if isinstance(days, float) else 0) + (years if isinstance(years, float) else 0) * _YEAR


def _too_short(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    backup = context.settings.backup
    kept = lives(backup) if backup.full != "none" else {}
    for bucket in stack.of(t.S3_BUCKET):
        for lifecycle in (
            beside(stack, bucket, t.S3_BUCKET_LIFECYCLE_CONFIGURATION) if is_vault(bucket, context) else ()
        ):
            for rule in listed(lifecycle.props, "rules"):
                yield from _early(lifecycle, rule, kept)


def _early(lifecycle: ObservedResource, rule: Any, kept: Mapping[str, Life]) -> Iterator[Violation]:
    prefix, date = _prefix(rule), at(rule, "expiration", "date")
    if at(rule, "status") != "Enabled" or not isinstance(prefix, str):
        return
    about = {below: life for below, life in kept.items() if below.startswith(prefix) or prefix.startswith(below)}
    causes = "A backup that somebody counts on is gone when it is needed"
    fix = "let each prefix expire after the days that backup.retention says, and nothing else before"
    dated = isinstance(date, str) and date != ""
    last = _days(rule, "expiration", "days")
    short = [
        f"{below} ({life.days or 'as long as its source'}{' days' if life.days else ''})"
        for below, life in about.items()
        if dated or last < (math.inf if life.days is None else life.days)
    ]
    if short:
        when = f"on {date}" if dated else f"after {last:g} days"
        yield Violation(f"deletes {when} what the stage keeps longer: {', '.join(short)}", causes, fix, lifecycle)
    gone = _days(rule, "noncurrentVersionExpiration", "noncurrentDays")
    if short := [f"{below} ({life.undo_days} days)" for below, life in about.items() if gone < life.undo_days]:
        wrong = f"removes after {gone:g} days what was overwritten or deleted and is kept longer: {', '.join(short)}"
        yield Violation(wrong, causes, fix, lifecycle)


def _days(rule: Any, *path: str) -> float:
    """Return a number of days, without an end where there is none: S3 takes whole days from 1, and the provider shows
    0 for what a rule does not set."""
    days = number(rule, *path)
    return days if isinstance(days, float) and days > 0 else math.inf


def _prefix(rule: Any) -> Any:
    """Return the prefix of a lifecycle rule, UNKNOWN, or MISSING if the rule requires tags: backups have none."""
    either = at(rule, "filter")
    both = at(either, "and")
    if both is UNKNOWN:  # or `either`, in which it would be
        return UNKNOWN
    if at(either, "tag", "key") is not MISSING or at(both, "tags") not in (MISSING, {}):
        return MISSING
    prefixes = [at(both, "prefix"), at(either, "prefix"), at(rule, "prefix")]
    return next((prefix for prefix in prefixes if prefix is not MISSING and prefix != ""), "")


def _not_copied(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """Judge the bucket that the jobs write to. Its copy is a vault by its name as well, and is copied no further."""
    region = context.settings.backup.replica_region
    causes = "A region that is lost takes the product's data and every backup of it"
    fix = "add a BucketReplicationConfig with one enabled rule for every prefix, into the stage's bucket in that region"
    own = context.label.name(Kind.VAULT, context.settings.aws.account_id)
    for bucket in stack.of(t.S3_BUCKET):
        if region is None or bucket["bucket"] != own:
            continue
        copying = beside(stack, bucket, t.S3_BUCKET_REPLICATION_CONFIG)
        unknown = any(each["rules"] is UNKNOWN for each in copying)
        if not unknown and not any(_copies_all(rule) for each in copying for rule in listed(each.props, "rules")):
            yield Violation(f"is not copied to {region} as a whole, as the stage's settings say", causes, fix, bucket)


def _copies_all(rule: Any) -> bool:
    """Whether a rule copies every object, the encrypted ones included, or may: what is not known yet is no fault."""
    encrypted = at(rule, "sourceSelectionCriteria", "sseKmsEncryptedObjects", "status")
    return all(
        value is UNKNOWN or value == wanted
        for value, wanted in ((at(rule, "status"), "Enabled"), (encrypted, "Enabled"), (_prefix(rule), ""))
    )


def _disposable(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if context.settings.protected and resource["forceDestroy"] is True:
        yield Violation(
            "goes with everything in it when it is deleted or replaced",
            "A mistaken destroy, or a new name, takes the backups and their access log with it",
            "force_destroy=False in production",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule("s3-no-object-lock", ("BAK-5",), "Nobody can delete a new backup of production", _unlocked),
    StackRule(
        "s3-lifecycle-shorter-than-retention",
        ("BAK-4",),
        "Every backup is kept as long as the stage's settings say",
        _too_short,
    ),
    StackRule("s3-not-replicated", ("BAK-9",), "A second region has a copy of every backup", _not_copied),
    Rule(
        "s3-force-destroy",
        ("BAK-5",),
        "Production's buckets stay while something is in them",
        (t.S3_BUCKET,),
        _disposable,
    ),
)
