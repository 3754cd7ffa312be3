"""Pointers to accounts and to what is kept in them (pure): pins, buckets, keys, logs, notices, secrets, words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bulkhead.analysis.clouds import nested
from bulkhead.analysis.identity import is_made
from bulkhead.analysis.isolation.pointer import Kind, Place, Pointer, always, held, made, places, pointing, unknown
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.planned import PlannedResource, Sealed
from bulkhead.resources.values import MISSING, UNKNOWN, at

_AWS: Final = "pulumi:providers:aws"
_GITHUB: Final = "pulumi:providers:github"
_CLOUDFLARE: Final = "pulumi:providers:cloudflare"
_ARN_ROLE: Final = re.compile(r"arn:[^:]*:iam::\d{12}:role/.+")


def _accounts(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[Pointer]:
    own = plan.settings.cloudflare
    for resource in plan.resources:
        for key, value in (("accountId", own.account_id), ("zoneId", own.zone_id)):
            if resource.type.startswith("cloudflare:") and (found := at(resource.inputs, key)) is not MISSING:
                yield _exactly(resource, key, found, value)


def _pins(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[Pointer]:
    """A provider that says nothing takes what it finds in the environment of whoever runs it, as does a default one."""
    for resource in plan.resources:
        if is_made(resource):
            wrong = "" if plan.provider_of(resource) else "is not made with a provider of the stage"
            yield Pointer(resource, "provider", resource.provider, wrong)
    aws, owner = plan.settings.aws, plan.settings.github.owner
    roles = made(t.IAM_ROLE)(plan) | {aws.role_arn}
    for provider in plan.of(_AWS):
        accounts = nested(provider.inputs, "allowedAccountIds")
        yield _exactly(provider, "allowedAccountIds", accounts, [aws.account_id])
        for role in nested(provider.inputs, "assumeRoles") or []:
            yield pointing(provider, "assumeRoles[].roleArn", at(role, "roleArn"), frozenset(filter(None, roles)))
        if (profile := at(provider.inputs, "profile")) is not MISSING:
            # The identities are brought up with a profile of the person who does it.
            persons = str(profile).startswith(f"<{plan.environment}/")
            yield _exactly(provider, "profile", profile, profile if persons else aws.profile)
    for provider in plan.of(_GITHUB):
        yield _exactly(provider, "owner", at(provider.inputs, "owner"), owner)


def _exactly(resource: PlannedResource, path: str, value: Any, own: Any) -> Pointer:
    if value is UNKNOWN:
        return unknown(resource, path)
    if value in (MISSING, None):
        return Pointer(resource, path, "", f"is missing, where the stage has {own}")
    return Pointer(resource, path, value, "" if value == own else f"is not what the stage's settings have ({own})")


def _logs(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[Pointer]:
    yield from places(*_LOGS)(plan, others)
    buckets = made(t.R2_BUCKET, t.S3_BUCKET)(plan)
    for job in plan.of(t.LOGPUSH_JOB):
        destination = at(job.inputs, "destinationConf")
        content = destination.content if isinstance(destination, Sealed) else destination
        if content is UNKNOWN:
            yield unknown(job, "destinationConf")
        elif isinstance(content, str):
            bucket = re.match(r"(?:r2|s3)://([^/?]+)", content)
            own = bucket is None or bucket[1] in buckets
            yield Pointer(job, "destinationConf", content, "" if own else "is a bucket that this stage does not make")


def _words(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[Pointer]:
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


def _found(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[Pointer]:
    """What is looked up by its id was not made here. Another stack of the same stage may be read."""
    own = frozenset().union(*(_ids(plan), {plan.settings.cloudflare.account_id, plan.settings.cloudflare.zone_id}))
    for resource in plan.resources:
        if resource.read:
            if resource.type == "pulumi:pulumi:StackReference":
                stack = resource.id.rpartition("/")[2]
                whose = next((other.environment for other in others if other.environment == stack), "")
                wrong = "" if stack == plan.environment else f"reads the stack {resource.id}"
                yield Pointer(resource, "id", resource.id, wrong, whose)
            else:
                yield pointing(resource, "id", resource.id, own)


def _ids(plan: StagePlan) -> frozenset[str]:
    return made(*{resource.type for resource in plan.resources})(plan)


_R2: Final = made(t.R2_BUCKET)
_S3: Final = made(t.S3_BUCKET)
_KEY: Final = made(t.KMS_KEY, t.KMS_ALIAS)
_TOPIC: Final = made(t.SNS_TOPIC)
_BUCKETS: Final = (
    *(
        Place(type_, "bucketName", _R2)
        for type_ in (
            t.R2_BUCKET_CORS,
            t.R2_BUCKET_LIFECYCLE,
            t.R2_BUCKET_LOCK,
            t.R2_CUSTOM_DOMAIN,
            t.R2_MANAGED_DOMAIN,
        )
    ),
    *(
        Place(type_, "bucket", _S3)
        for type_ in (
            t.S3_BUCKET_LIFECYCLE_CONFIGURATION,
            t.S3_BUCKET_LOGGING,
            t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION,
            t.S3_BUCKET_OWNERSHIP_CONTROLS,
            t.S3_BUCKET_POLICY,
            t.S3_BUCKET_PUBLIC_ACCESS_BLOCK,
            t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
            t.S3_BUCKET_VERSIONING,
        )
    ),
)
_KEYS: Final = (
    Place(t.KMS_ALIAS, "targetKeyId", _KEY),
    Place(t.KMS_KEY_POLICY, "keyId", _KEY),
    Place(t.SNS_TOPIC, "kmsMasterKeyId", _KEY),
    Place(t.SSM_PARAMETER, "keyId", _KEY),
    Place(
        t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
        "rules[].applyServerSideEncryptionByDefault.kmsMasterKeyId",
        _KEY,
    ),
)
_LOGS: Final = (
    Place(t.S3_BUCKET_LOGGING, "targetBucket", _S3),
    Place(t.WORKER, "tailConsumers[].name", made(*t.SCRIPTS)),
    Place(t.WORKERS_SCRIPT, "tailConsumers[].service", made(*t.SCRIPTS)),
)
_NOTICES: Final = (
    Place(t.BUDGET, "notifications[].subscriberSnsTopicArns[]", _TOPIC),
    Place(t.SNS_TOPIC_POLICY, "arn", _TOPIC),
    Place(t.SNS_TOPIC_SUBSCRIPTION, "topic", _TOPIC),
    *(
        Place(type_, f"{when}[]", _TOPIC)
        for type_ in (t.CLOUDWATCH_METRIC_ALARM, t.CLOUDWATCH_COMPOSITE_ALARM)
        for when in ("alarmActions", "okActions", "insufficientDataActions")
    ),
)


KINDS: Final = (
    Kind(
        "accounts and zones",
        "What one stage makes and deletes would be the other's",
        "take the account and the zone from the stage's own settings",
        _accounts,
        frozenset(),
        always,
    ),
    Kind(
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
    Kind(
        "secrets",
        "One leaked secret would open both stages",
        "hand over the secret that the stage's own settings hold",
        places(),  # a secret is a text that is sealed; isolation/check.py knows it by that
        frozenset(),
        always,
    ),
    Kind(
        "buckets",
        "What one stage stores would be seen, changed or deleted by the other",
        "name the bucket by the output of its resource",
        places(*_BUCKETS),
        held(*_BUCKETS),
        lambda plan: bool(plan.product.buckets) or plan.settings.backup.full != "none",
    ),
    Kind(
        "keys",
        "Whoever may decrypt in one stage could decrypt in the other",
        "name the key by the output of its resource",
        places(*_KEYS),
        held(*_KEYS),
        always,
    ),
    Kind(
        "log destinations",
        "Logs of one stage, personal data in them, would lie in the other",
        "send logs to a bucket of the stage itself",
        _logs,
        held(*_LOGS) | {(t.LOGPUSH_JOB, "destinationConf"), (t.WORKER, "observability")},
        lambda plan: plan.settings.backup.full != "none" or bool(plan.of(t.LOGPUSH_JOB)),
    ),
    Kind(
        "notices and alarms",
        "An alarm of one stage would call the people of the other, and nobody for this one",
        "notify the stage's own topic",
        places(*_NOTICES),
        held(*_NOTICES),
        always,
    ),
    Kind(
        "tags and variables",
        "Costs, logs and alarms of one stage would be taken for the other's",
        "take them from Label.tags and bulkhead/model/variables.py, and name no other stage in owner and costCenter",
        _words,
        frozenset(),
        always,
    ),
    Kind(
        "look-ups",
        "What belongs to another stage, or to nobody, would become a part of this one",
        "make it in the stage, or put it into the stage's settings",
        _found,
        frozenset(),
        lambda plan: any(resource.read for resource in plan.resources),
    ),
)
