"""Expiry: objects and messages that are deleted by themselves, sooner than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any, Final

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.loss import UNSHOWN, Loss, day, lessened, number
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, at, leaves, listed

_DAY: Final = 86_400
# The default retention of a queue: developers.cloudflare.com, Queues; Amazon SQS API, SetQueueAttributes.
_QUEUE_SECONDS: Final = 345_600
_RETENTION: Final[Mapping[str, str]] = {
    t.QUEUE: "settings.messageRetentionPeriod",
    t.SQS_QUEUE: "messageRetentionSeconds",
}
_DEAD_LETTERS: Final[Mapping[str, str]] = {
    t.QUEUE_CONSUMER: "deadLetterQueue",
    t.SQS_QUEUE: "redrivePolicy",
    t.LAMBDA_FUNCTION: "deadLetterConfig",
    t.SCHEDULER_SCHEDULE: "target.deadLetterConfig",
    t.SNS_TOPIC_SUBSCRIPTION: "redrivePolicy",
}
_LIFECYCLES: Final = (t.S3_BUCKET_LIFECYCLE_CONFIGURATION, t.R2_BUCKET_LIFECYCLE)


@dataclass(frozen=True, slots=True)
class Only:
    """What an expiry rule is limited to: objects with all of ``tags``, larger than ``above`` and smaller than ``below``
    bytes."""

    tags: frozenset[str] = frozenset()
    above: float = -1.0
    below: float = inf

    def holds_for(self, other: Only) -> bool:
        """Whether every object of ``other`` is one of these."""
        return self.tags <= other.tags and self.above <= other.above and other.below <= self.below

    def __str__(self) -> str:
        sizes = [f"more than {self.above:g} bytes"] if self.above >= 0 else []
        return " and ".join(
            [*sorted(self.tags), *sizes, *([f"less than {self.below:g} bytes"] if self.below < inf else [])]
        )


@dataclass(frozen=True, slots=True)
class Expiry:
    """An expiry rule for objects under ``prefix``, limited to ``only``. ``measure`` says what ``value`` counts. A
    smaller value always deletes more objects, or deletes them sooner. It may be UNKNOWN."""

    prefix: str
    only: Only
    measure: str
    value: Any


def lifecycle(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A bucket's new rules delete something sooner than the old ones, or than no rules. A lifecycle that deletes less,
    or is removed, loses nothing: objects live longer."""
    if change.type not in _LIFECYCLES or change.action not in {"create", "update", "replace"}:
        return
    if plan.host_is_new(change):
        return
    over = plan.over_predecessor(change)
    moved = over.differs(change.host_path)
    before = [] if moved else _expiries(change.type, over.was("rules"))
    after = _expiries(change.type, change.becomes("rules"))
    if before is None or after is None:
        if moved or over.differs("rules"):
            fix = "give the rules plain values that do not depend on what is made"
            yield Loss("expiry-shortened", change, f"what expires when {UNSHOWN}", fix)
        return
    sooner = list(dict.fromkeys(_sooner(before, after)))
    if sooner:
        fix = "keep the longer life, or copy what is to be kept first; then ask for a waiver"
        yield Loss("expiry-shortened", change, f"objects go sooner: {'; '.join(sooner)}", fix)


def _sooner(before: Sequence[Expiry], after: Sequence[Expiry]) -> Iterator[str]:
    """Yield what expires sooner than before. Rules of shorter prefixes apply under a prefix too, and the earliest one
    wins, so comparing the named prefixes is enough. The same holds for tags and sizes: rules that require fewer of
    them apply too."""
    prefixes = dict.fromkeys(expiry.prefix for expiry in (*after, *before))
    for only, measure in dict.fromkeys((expiry.only, expiry.measure) for expiry in after):
        for prefix in prefixes:
            was, becomes = (_earliest(rules, prefix, only, measure) for rules in (before, after))
            if becomes < was:
                which = f" with {only}" if str(only) else ""
                place = f"under {prefix!r}" if prefix else "anywhere in the bucket"
                yield f"{place}{which}, {_in_words(measure, becomes)} instead of {_in_words(measure, was)}"


def _earliest(rules: Sequence[Expiry], prefix: str, only: Only, measure: str) -> float:
    hold = (r for r in rules if r.measure == measure and prefix.startswith(r.prefix) and r.only.holds_for(only))
    return min((float(rule.value) for rule in hold), default=inf)


def _in_words(measure: str, value: float) -> str:
    if value == inf:
        return "never"
    return measure.format(date.fromordinal(int(value)).isoformat() if "on {}" in measure else f"{value:g}")


def _expiries(type_: str, rules: Any) -> list[Expiry] | None:
    """Return the expiries of a lifecycle, None if something in it is not known."""
    if UNKNOWN in leaves(rules):
        return None
    expiries = _in_r2 if type_ == t.R2_BUCKET_LIFECYCLE else _in_s3
    found = [expiry for rule in listed(rules) for expiry in expiries(rule)]
    return None if any(expiry.value is UNKNOWN for expiry in found) else found


def _in_s3(rule: Any) -> Iterator[Expiry]:
    if at(rule, "status") != "Enabled":
        return
    either = at(rule, "filter")
    both = at(either, "and")
    prefixes = (at(each, "prefix") for each in (both, either, rule))
    prefix = next((each for each in prefixes if isinstance(each, str) and each), "")
    only = _narrowed(either, both)
    ends = at(rule, "expiration")
    yield from _counted(prefix, only, "after {} days", number(at(ends, "days")))
    yield from _dated(prefix, only, at(ends, "date"))
    earlier = at(rule, "noncurrentVersionExpiration")
    after = list(_counted(prefix, only, "earlier versions after {} days", number(at(earlier, "noncurrentDays"))))
    yield from after
    if after:
        yield Expiry(prefix, only, "all but {} earlier versions", number(at(earlier, "newerNoncurrentVersions")))


def _narrowed(*sources: Any) -> Only:
    """Return the tags and sizes that a rule requires; the provider shows 0 for a size that is not set."""
    tags: list[str] = []
    above, below = [-1.0], [inf]
    for source in sources:
        pairs = dict(found) if isinstance(found := at(source, "tags"), Mapping) else {}
        if isinstance(tag := at(source, "tag"), Mapping):
            pairs[str(at(tag, "key"))] = at(tag, "value")
        tags += [f"tag {key}={value}" for key, value in pairs.items()]
        for key, bounds in (("objectSizeGreaterThan", above), ("objectSizeLessThan", below)):
            size = number(at(source, key))
            if size is UNKNOWN:
                tags.append(f"{key} {at(source, key)}")
            elif size > 0:
                bounds.append(size)
    return Only(frozenset(tags), max(above), min(below))


def _in_r2(rule: Any) -> Iterator[Expiry]:
    if at(rule, "enabled") is not True:
        return
    prefix = at(rule, "conditions", "prefix")
    prefix = prefix if isinstance(prefix, str) else ""
    ends = at(rule, "deleteObjectsTransition", "condition")
    if ends is not MISSING and at(ends, "type") != "Date":
        age = at(ends, "maxAge")
        seconds = 0.0 if age is MISSING else number(age)  # 0 or none: as soon as it is stored
        yield Expiry(prefix, Only(), "after {} days", seconds if seconds is UNKNOWN else seconds / _DAY)
    yield from _dated(prefix, Only(), at(ends, "date"))


def _counted(prefix: str, only: Only, measure: str, value: Any) -> Iterator[Expiry]:
    if value is UNKNOWN or value > 0:  # S3 counts from 1, and the provider shows 0 for what a rule does not set
        yield Expiry(prefix, only, measure, value)


def _dated(prefix: str, only: Only, value: Any) -> Iterator[Expiry]:
    if isinstance(value, str) and value:
        yield Expiry(prefix, only, "on {}", day(value))


def log_group(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A log group keeps its lines for a shorter time; 0 days, or no number, means for ever."""
    if change.type != t.CLOUDWATCH_LOG_GROUP or change.action != "update":
        return
    if days := lessened(change, "retentionInDays", inf):
        was, becomes = days
        lost = f"for how long lines are kept {UNSHOWN}"
        if UNKNOWN not in days:
            lost = f"lines are gone after {becomes:g} days instead of {'never' if was == inf else f'after {was:g}'}"
        fix = "keep the longer retention, or copy what is to be kept first; then ask for a waiver"
        yield Loss("retention-shortened", change, lost, fix)


def queue(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A queue keeps messages that nobody consumes for a shorter time."""
    path = _RETENTION.get(change.type)
    if path is None or change.action != "update":
        return
    if seconds := lessened(change, path, _QUEUE_SECONDS):
        was, becomes = seconds
        lost = f"for how long messages are kept {UNSHOWN}"
        if UNKNOWN not in seconds:
            lost = f"messages that wait are gone after {becomes:g} seconds instead of {was:g}"
        yield Loss("retention-shortened", change, lost, "keep the longer retention until the queue has been consumed")


def dead_letters(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """What consumes messages loses the dead letter queue for those that fail, or comes back without it."""
    path = _DEAD_LETTERS.get(change.type)
    over = plan.over_predecessor(change)
    if path is None or over.action not in {"update", "replace"} or over.old is None:
        return
    # AWS's provider also shows a policy there that another resource made, and an `up` does not change that one.
    was = over.was(path) if change.type == t.QUEUE_CONSUMER else at(over.old.inputs, *path.split("."))
    if was not in (MISSING, "") and change.becomes(path) in (MISSING, ""):
        lost = "messages that fail too often are dropped instead of being kept in the dead letter queue"
        yield Loss(
            "dead-letters-dropped", change, lost, f"leave {path} as it is, dead_letter of a queue in the product"
        )
