"""Renames: the same thing under another logical name, which without an alias is a deletion and a creation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.preview.losses.guards import ONE_PER_BUCKET
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.losses.stores import HOLDS
from bulkhead.preview.plan import PROVIDER, Change, Plan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, at

# What a resource is known by in its cloud. Types that are not here are told by all of their inputs.
_KNOWN_BY: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(ONE_PER_BUCKET, ("bucket",)),
    t.D1_DATABASE: ("name",),
    t.WORKERS_KV_NAMESPACE: ("title",),
    t.R2_BUCKET: ("name",),
    t.QUEUE: ("queueName",),
    t.WORKER: ("name",),
    t.WORKERS_CUSTOM_DOMAIN: ("hostname",),
    t.S3_BUCKET: ("bucket",),
    t.SQS_QUEUE: ("name",),
    t.SNS_TOPIC: ("name",),
    t.KMS_ALIAS: ("name",),
    t.BUDGET: ("name",),
    t.GITHUB_REPOSITORY_ENVIRONMENT: ("repository", "environment"),
    t.GITHUB_ACTIONS_ENVIRONMENT_SECRET: ("repository", "environment", "secretName"),
    t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: ("repository", "environment", "variableName"),
}
# Told apart by nothing but what they connect: if one end may be another, so may the resource.
_CONNECTS: Final[Mapping[str, tuple[str, ...]]] = {
    t.IAM_ROLE_POLICY_ATTACHMENT: ("role", "policyArn"),
    t.LAMBDA_PERMISSION: ("function", "principal", "sourceArn"),
    t.QUEUE_CONSUMER: ("queueId", "scriptName"),
    t.SNS_TOPIC_SUBSCRIPTION: ("topic", "endpoint"),
}
_IDENTIFYING: Final = ("id", "arn", "name")  # how the names of inputs end that say which one it is
# Their provider's delete does nothing (terraform-provider-cloudflare, source), so it cannot undo the creation.
LEFT_BEHIND: Final[Mapping[str, str]] = {
    t.WORKER_VERSION: "the version stays uploaded, and deployed if it was",
    t.WORKERS_DEPLOYMENT: "the Worker goes on running what was deployed",
    t.WORKERS_CRON_TRIGGER: "the Worker goes on being called at its times; schedules=[] first would end that",
    t.R2_BUCKET_LIFECYCLE: "objects go on expiring; rules without an expiry first would end that",
    t.R2_BUCKET_LOCK: "objects stay locked; rules=[] first would end that",
    t.R2_MANAGED_DOMAIN: "the bucket's r2.dev address stays as it is, on or off",
    t.ZONE_SETTING: "the zone keeps the setting",
}


def renamed(change: Change, plan: Plan) -> Iterator[Loss]:
    """The deletion is of what the creation has just made, or was about to: by name they are one."""
    if change.action != "delete" or change.type in LEFT_BEHIND or change.type.startswith(PROVIDER):
        return
    if not change.deletes and change.type not in HOLDS:
        return  # it is left in its cloud, and written over
    for other in plan.of(change.type):
        if other.action == "create" and other.urn != change.urn and _is_same_thing(change, other):
            holds = f", with {HOLDS[change.type]}" if change.type in HOLDS else ""
            made, deleted = (one.name + (f" below a {_below(one)}" if _below(one) else "") for one in (other, change))
            lost = f"it is made again as {made} and then deleted as {deleted}, though both are one{holds}"
            yield Loss("renamed", change, lost, f"say that it was renamed: aliases=[{_alias(change, other)}] on {made}")


def _alias(change: Change, other: Change) -> str:
    """Return the alias that says what a resource was called; what it does not say is taken to be as it is now."""
    former = [f"name={change.name!r}"] if change.name != other.name else []
    if _types(change) != _types(other):
        former.append(f"parent=<the {_below(change)} that it had>" if _below(change) else "parent=None")
    return f"pulumi.Alias({', '.join(former)})"


def _below(change: Change) -> str:
    """Return the type of the component that a resource is a part of, "" where it is of none."""
    return _types(change).rpartition("$")[0].rpartition("$")[2]


def _types(change: Change) -> str:
    """Return its type after those of all that it is below, the outermost first, as its URN has them."""
    return change.urn.split("::")[2]


def _is_same_thing(change: Change, other: Change) -> bool:
    paths = _KNOWN_BY.get(change.type)
    if change.old is None or other.new is None:
        return False
    if change.type in _CONNECTS:
        ends = [(at(change.old.inputs, path), other.becomes(path)) for path in _CONNECTS[change.type]]
        return all(was == becomes and was is not UNKNOWN for was, becomes in ends)
    if paths is None:
        return _may_be_equal(dict(change.old.inputs), dict(other.new.inputs))
    pairs = [(change.was(path), other.becomes(path)) for path in paths]
    return all(_may_be_one(was, becomes) for was, becomes in pairs) and any(was == becomes for was, becomes in pairs)


def _may_be_one(was: Any, becomes: Any) -> bool:
    return was is not MISSING and (was == becomes or UNKNOWN in (was, becomes))


def _may_be_equal(was: dict[str, Any], becomes: dict[str, Any]) -> bool:
    same = [key for key in was if key in becomes and was[key] == becomes[key] and not key.startswith("__")]
    if not same or was.keys() != becomes.keys():
        return False
    named = [key for key in was if key.lower().endswith(_IDENTIFYING)]
    return all(_may_be_one(was[key], becomes[key]) for key in was) and all(was[key] == becomes[key] for key in named)
