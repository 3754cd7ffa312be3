"""References to accounts and to what is kept in them (pure): pins, buckets, keys, logs, notices, secrets, words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bulkhead.analysis.clouds import nested
from bulkhead.analysis.identity import is_made
from bulkhead.analysis.isolation.reference import (
    FoundReference,
    ReferenceKind,
    always,
    linked,
    of_link,
    own_names,
    resolved,
    unknown,
)
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.kind import PROVIDER, Link
from bulkhead.resources.planned import PlannedResource, Sealed
from bulkhead.resources.values import MISSING, UNKNOWN, at

_AWS: Final = f"{PROVIDER}aws"
_GITHUB: Final = f"{PROVIDER}github"
_CLOUDFLARE: Final = f"{PROVIDER}cloudflare"


def _accounts(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    own = plan.settings.cloudflare
    for resource in plan.resources:
        for key, value in (("accountId", own.account_id), ("zoneId", own.zone_id)):
            if resource.type.startswith("cloudflare:") and (found := at(resource.inputs, key)) is not MISSING:
                yield _exactly(resource, key, found, value)


def _pins(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    """A provider that says nothing takes what it finds in the environment of whoever runs it, as does a default one."""
    for resource in plan.resources:
        if is_made(resource):
            wrong = "" if plan.provider_of(resource) else "is not made with a provider of the stage"
            yield FoundReference(resource, "provider", resource.provider, wrong)
    aws, owner = plan.settings.aws, plan.settings.github.owner
    roles = own_names(plan, t.IAM_ROLE) | {aws.role_arn}
    for provider in plan.of(_AWS):
        accounts = nested(provider.inputs, "allowedAccountIds")
        yield _exactly(provider, "allowedAccountIds", accounts, [aws.account_id])
        for role in nested(provider.inputs, "assumeRoles") or []:
            yield resolved(provider, "assumeRoles[].roleArn", at(role, "roleArn"), frozenset(filter(None, roles)))
        if (profile := at(provider.inputs, "profile")) is not MISSING:
            # The identities are brought up with a profile of the person who does it.
            persons = str(profile).startswith(f"<{plan.environment}/")
            yield _exactly(provider, "profile", profile, profile if persons else aws.profile)
    for provider in plan.of(_GITHUB):
        yield _exactly(provider, "owner", at(provider.inputs, "owner"), owner)


def _exactly(resource: PlannedResource, path: str, value: Any, own: Any) -> FoundReference:
    if value is UNKNOWN:
        return unknown(resource, path)
    if value in (MISSING, None):
        return FoundReference(resource, path, "", f"is missing, where the stage has {own}")
    return FoundReference(
        resource, path, value, "" if value == own else f"is not what the stage's settings have ({own})"
    )


def _logs(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    yield from linked(Link.LOGS)(plan, others)
    buckets = own_names(plan, t.R2_BUCKET, t.S3_BUCKET)
    for job in plan.of(t.LOGPUSH_JOB):
        destination = at(job.inputs, "destinationConf")
        content = destination.content if isinstance(destination, Sealed) else destination
        if content is UNKNOWN:
            yield unknown(job, "destinationConf")
        elif isinstance(content, str):
            bucket = re.match(r"(?:r2|s3)://([^/?]+)", content)
            own = bucket is None or bucket[1] in buckets
            yield FoundReference(
                job, "destinationConf", content, "" if own else "is a bucket that this stage does not make"
            )


def _words(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    """Where the stage's own name stands: alarms, costs and logs are told apart by it."""
    environment, stage = plan.environment, plan.settings.stage.value
    own = {"environment": environment, "stage": stage, "ENVIRONMENT": environment, "STAGE": stage, "NODE_ENV": stage}
    for resource in plan.resources:
        for path, tags in (*_tags(resource), *_variables(resource)):
            for word, value in tags.items():
                if word in own:
                    yield _exactly(resource, f"{path}.{word}", value, own[word])


def _tags(resource: PlannedResource) -> Iterator[tuple[str, dict[str, Any]]]:
    tags = at(resource.inputs, "tags")
    if isinstance(tags, dict):
        yield "tags", tags
    elif resource.type == t.WORKER and isinstance(tags, list):
        yield "tags", dict(tag.split(":", 1) for tag in tags if isinstance(tag, str) and ":" in tag)
    if isinstance(default := nested(resource.inputs, "defaultTags"), dict):
        yield "defaultTags", at(default, "tags")


def _variables(resource: PlannedResource) -> Iterator[tuple[str, dict[str, Any]]]:
    bindings = resource.inputs.get("bindings")
    if isinstance(bindings, list):
        plain = [each for each in bindings if isinstance(each, dict) and each.get("type") == "plain_text"]
        yield "bindings", {str(each.get("name")): each.get("text") for each in plain}
    if resource.type == t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE:
        yield "value", {str(resource.inputs.get("variableName")): resource.inputs.get("value")}


def _looked_up(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    """What is looked up by its id was not made here. Another stack of the same stage may be read."""
    own = frozenset().union(*(_ids(plan), {plan.settings.cloudflare.account_id, plan.settings.cloudflare.zone_id}))
    for resource in plan.resources:
        if resource.read:
            if resource.type == "pulumi:pulumi:StackReference":
                stack = resource.id.rpartition("/")[2]
                whose = next((other.environment for other in others if other.environment == stack), "")
                wrong = "" if stack == plan.environment else f"reads the stack {resource.id}"
                yield FoundReference(resource, "id", resource.id, wrong, whose)
            else:
                yield resolved(resource, "id", resource.id, own)


def _ids(plan: StagePlan) -> frozenset[str]:
    return own_names(plan, *{resource.type for resource in plan.resources})


KINDS: Final = (
    ReferenceKind(
        "accounts and zones",
        "What one stage makes and deletes would be the other's",
        "take the account and the zone from the stage's own settings",
        _accounts,
        frozenset(),
        always,
    ),
    ReferenceKind(
        "pins of providers",
        "With the wrong credentials at hand, a deployment of this stage would change the other one",
        "pin every provider to the stage's settings, as infra/providers.py does",
        _pins,
        frozenset(
            {
                (_AWS, "allowedAccountIds"),
                (_AWS, "assumeRoles"),
                (_AWS, "profile"),
                (_CLOUDFLARE, "accountId"),
                (_GITHUB, "owner"),
            }
        ),
        always,
    ),
    ReferenceKind(
        "secrets",
        "One leaked secret would open both stages",
        "hand over the secret that the stage's own settings hold",
        lambda _plan, _others: iter(()),  # a secret is a text that is sealed; isolation/check.py knows it by that
        frozenset(),
        always,
    ),
    of_link(
        Link.BUCKET,
        "What one stage stores would be seen, changed or deleted by the other",
        "name the bucket by the output of its resource",
        lambda plan: bool(plan.product.buckets) or plan.settings.backup.full != "none",
    ),
    of_link(
        Link.KEY,
        "Whoever may decrypt in one stage could decrypt in the other",
        "name the key by the output of its resource",
        always,
    ),
    of_link(
        Link.LOGS,
        "Logs of one stage, personal data in them, would lie in the other",
        "send logs to a bucket of the stage itself",
        lambda plan: plan.settings.backup.full != "none" or bool(plan.of(t.LOGPUSH_JOB)),
        find=_logs,
        properties=frozenset({(t.LOGPUSH_JOB, "destinationConf"), (t.WORKER, "observability")}),
    ),
    of_link(
        Link.NOTICE,
        "An alarm of one stage would call the people of the other, and nobody for this one",
        "notify the stage's own topic",
        always,
    ),
    of_link(
        Link.FUNCTION,
        "A schedule or an alarm of this stage would start the other's function, on the other's data",
        "name the function, and what starts it, by the outputs of their resources",
        lambda plan: bool(plan.of(t.LAMBDA_PERMISSION, t.SCHEDULER_SCHEDULE)),
    ),
    ReferenceKind(
        "tags and variables",
        "Costs, logs and alarms of one stage would be taken for the other's",
        "take them from Label.tags and bulkhead/model/variables.py, and name no other stage in owner and costCenter",
        _words,
        frozenset(),
        always,
    ),
    ReferenceKind(
        "look-ups",
        "What belongs to another stage, or to nobody, would become a part of this one",
        "make it in the stage, or put it into the stage's settings",
        _looked_up,
        frozenset(),
        lambda plan: any(resource.read for resource in plan.resources),
    ),
)
