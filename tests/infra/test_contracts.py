"""What holds for every resource of every stage, whichever component made it."""

from __future__ import annotations

import json
import re
from itertools import permutations
from typing import Any

import pytest

from bulkhead.engine.rendered import Rendered, to_wire
from bulkhead.model.naming import LIMITS, Kind, Label, stage_of
from bulkhead.resources.planned import PlannedResource, Sealed
from bulkhead.resources.texts import texts
from tests.support.settings_fixture import make_settings, secret_value
from tests.support.stages import PRODUCTS, STAGES, rendered_identities, rendered_stage

pytestmark = pytest.mark.parametrize("product", PRODUCTS)
every_stage = pytest.mark.parametrize("environment", STAGES)
# A stage is two programs: what there is, and who may do what to it.
PROGRAMS = {"stage": rendered_stage, "identities": rendered_identities}
both = pytest.mark.parametrize("part", PROGRAMS)

# The property that holds the physical name, and the limit that counts for it. A type that is not here has no name of
# its own: it belongs to a named thing, or its name is a hostname or a variable.
NAMED = {
    "cloudflare:index/d1Database:D1Database": ("name", Kind.D1),
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": ("title", Kind.KV),
    "cloudflare:index/r2Bucket:R2Bucket": ("name", Kind.R2),
    "cloudflare:index/queue:Queue": ("queueName", Kind.QUEUE),
    "cloudflare:index/worker:Worker": ("name", Kind.WORKER),
    "aws:s3/bucket:Bucket": ("bucket", Kind.VAULT),
    "aws:kms/alias:Alias": ("name", Kind.KMS_ALIAS),
    "aws:sns/topic:Topic": ("name", Kind.TOPIC),
    "aws:budgets/budget:Budget": ("name", Kind.BUDGET),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name", Kind.ALARM),
    "aws:ssm/parameter:Parameter": ("name", Kind.PARAMETER),
    "aws:cloudwatch/logGroup:LogGroup": ("name", Kind.LOG),
    "aws:lambda/function:Function": ("name", Kind.JOB),
    "aws:scheduler/scheduleGroup:ScheduleGroup": ("name", Kind.JOB),
    "aws:sqs/queue:Queue": ("name", Kind.JOB),
    "aws:iam/policy:Policy": ("name", Kind.BOUNDARY),
    "cloudflare:index/accountToken:AccountToken": ("name", Kind.TOKEN),
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": ("name", Kind.ACCESS),
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": ("name", Kind.ACCESS),
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": ("name", Kind.ACCESS),
    "github:index/repositoryRuleset:RepositoryRuleset": ("name", Kind.RULESET),
}
NAMELESS = {
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:scheduler/schedule:Schedule",  # is called as its function
    "aws:iam/role:Role",  # the settings may name the one that deploys
    "aws:iam/rolePolicy:RolePolicy",
    "aws:kms/key:Key",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLogging:BucketLogging",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "cloudflare:index/queueConsumer:QueueConsumer",
    "cloudflare:index/r2BucketCors:R2BucketCors",
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle",
    "cloudflare:index/r2BucketLock:R2BucketLock",
    "cloudflare:index/r2ManagedDomain:R2ManagedDomain",
    "cloudflare:index/workerVersion:WorkerVersion",
    "cloudflare:index/workersCronTrigger:WorkersCronTrigger",
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain",
    "cloudflare:index/workersDeployment:WorkersDeployment",
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
    "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable",
    "github:index/actionsRepositoryPermissions:ActionsRepositoryPermissions",
    "github:index/branchDefault:BranchDefault",
    "github:index/repositoryEnvironment:RepositoryEnvironment",
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy",
    "github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions",
}
REPLACED_AT_WILL = {
    "cloudflare:index/workerVersion:WorkerVersion",
    "cloudflare:index/workersDeployment:WorkersDeployment",
}


def physical_names(stage: Rendered) -> dict[str, tuple[PlannedResource, Kind]]:
    return {
        str(resource.inputs[NAMED[resource.type][0]]).removeprefix("alias/"): (resource, NAMED[resource.type][1])
        for resource in stage.resources
        if resource.type in NAMED
    }


def everything_sent(product: str, environment: str) -> str:
    """Return all inputs of a stage's resources as one text, secrets too."""
    rendered = [each for render in PROGRAMS.values() for each in render(product, environment).resources]
    return json.dumps([to_wire(each.inputs) for each in rendered])


def in_the_open(value: Any) -> list[str]:
    """Return the planted secrets in ``value`` that are not sealed."""
    return [each.text for each in texts(value) if "canary-" in each.text and not each.sealed]


@both
@every_stage
def test_every_type_is_known_to_have_a_name_or_none(product: str, environment: str, part: str) -> None:
    resources = PROGRAMS[part](product, environment).resources
    types = {r.type for r in resources if r.custom and not r.is_provider and not r.read}
    assert types <= NAMED.keys() | NAMELESS


@both
@every_stage
def test_names_say_whose_they_are_and_fit(product: str, environment: str, part: str) -> None:
    names = physical_names(PROGRAMS[part](product, environment))
    assert names
    for name, (resource, kind) in names.items():
        assert name.startswith(f"{PRODUCTS[product].name}-{environment}-"), resource.urn
        assert len(name) <= LIMITS[kind], resource.urn
        assert re.fullmatch(r"[a-z0-9-]+", name), resource.urn


@both
@every_stage
def test_every_child_belongs_to_a_component_and_every_component_to_the_stack(
    product: str, environment: str, part: str
) -> None:
    stage = PROGRAMS[part](product, environment)
    components = {r.urn for r in stage.resources if not r.custom}
    for resource in stage.resources:
        if resource.is_provider or resource.read:
            assert resource.parent == ""
        elif resource.custom:
            assert resource.parent in components, resource.urn
        else:
            assert resource.parent in components | {""}, resource.urn


@both
@every_stage
def test_every_resource_has_the_explicit_provider_of_its_package(product: str, environment: str, part: str) -> None:
    stage = PROGRAMS[part](product, environment)
    providers = {r.type.removeprefix("pulumi:providers:"): r.urn for r in stage.resources if r.is_provider}
    # Whoever deploys a stage cannot change who deploys it. Where versions roll out, the stack reads what it exported.
    reads = part == "stage" and make_settings(environment).rollout.strategy != "all-at-once"
    others = {"github"} if part == "identities" else {"pulumi"} if reads else set()
    assert providers.keys() == {"cloudflare", "aws"} | others
    for resource in stage.resources:
        if resource.custom and not resource.is_provider:
            package = resource.type.split(":")[0]
            assert resource.provider == providers[package], resource.urn


@every_stage
def test_providers_are_pinned_to_the_accounts_of_the_stage(product: str, environment: str) -> None:
    settings = make_settings(environment)
    stage = rendered_stage(product, environment)
    aws = stage.one("pulumi:providers:aws").inputs
    tags = json.loads(aws["defaultTags"])["tags"]
    assert json.loads(aws["allowedAccountIds"]) == [settings.aws.account_id]
    assert json.loads(aws["assumeRoles"])[0]["roleArn"] == settings.aws.role_arn
    assert tags.items() >= {"stage": environment, "environment": environment, "owner": settings.owner}.items()
    assert {"product", "cost-center"} <= tags.keys()
    accounts = {r.inputs["accountId"] for r in stage.resources if r.type.startswith("cloudflare:")}
    assert accounts == {settings.cloudflare.account_id}


@every_stage
def test_workers_are_tagged(product: str, environment: str) -> None:
    stage, label = stage_of(environment), PRODUCTS[product].name
    assert stage is not None
    for worker in rendered_stage(product, environment).of("cloudflare:index/worker:Worker"):
        assert worker.inputs["tags"] == Label(label, stage, environment).worker_tags()


@both
@every_stage
def test_secrets_travel_in_envelopes_only(product: str, environment: str, part: str) -> None:
    stage = PROGRAMS[part](product, environment)
    for resource in stage.resources:
        assert not in_the_open(resource.inputs), resource.urn
    assert not in_the_open(stage.outputs)


@every_stage
def test_every_secret_of_the_stage_arrives_somewhere(product: str, environment: str) -> None:
    sent = everything_sent(product, environment)
    declared = [secret.name for secret in PRODUCTS[product].secrets]
    for secret in ("cloudflareApiToken", "cloudflareTokenMaker", "githubToken", *declared):
        assert secret_value(environment, secret) in sent


@both
@every_stage
def test_nothing_is_deprecated_or_doubtful(product: str, environment: str, part: str) -> None:
    assert PROGRAMS[part](product, environment).messages == []


def test_no_stage_knows_another(product: str) -> None:
    for one, other in permutations(STAGES, 2):
        theirs = make_settings(other)
        foreign = {
            theirs.aws.account_id,
            theirs.cloudflare.account_id,
            theirs.cloudflare.zone_id,
            f"canary-{other}-",
            f"-{other}-",
        }
        sent = everything_sent(product, one)
        assert not {word for word in foreign if word in sent}


def test_no_name_is_used_by_two_stages(product: str) -> None:
    names = [
        {name for render in PROGRAMS.values() for name in physical_names(render(product, environment))}
        for environment in STAGES
    ]
    assert not names[0] & names[1]
    assert not names[0] & names[2]
    assert not names[1] & names[2]


def test_stages_differ_in_no_type_but_what_settings_switch(product: str) -> None:
    development, staging, production = (
        {resource.type for resource in rendered_stage(product, environment).resources} for environment in STAGES
    )
    assert staging <= production
    assert development < staging
    backups, jobs, alarms = (
        ("aws:s3/", "bulkhead:backup:"),
        ("aws:lambda/", "aws:scheduler/", "aws:sqs/", "bulkhead:jobs:"),
        ("aws:cloudwatch/", "aws:sns/topicSubscription", "bulkhead:alarms:"),
    )
    rollout = ("pulumi:providers:pulumi", "pulumi:pulumi:StackReference")
    assert {
        token for token in staging - development if not token.startswith((*backups, *jobs, *alarms, *rollout))
    } == set()


def test_production_keeps_everything_but_versions(product: str) -> None:
    for resource in rendered_stage(product, "production").resources:
        kept = not (resource.is_provider or resource.read) and resource.type not in REPLACED_AT_WILL
        assert (resource.protect, resource.retain_on_delete) == (kept, kept), resource.urn


@pytest.mark.parametrize("environment", ["development", "staging"])
def test_other_stages_can_be_taken_down(product: str, environment: str) -> None:
    for resource in rendered_stage(product, environment).resources:
        assert not resource.protect, resource.urn
        assert not resource.retain_on_delete, resource.urn


@every_stage
def test_bindings_are_exactly_what_the_product_grants(product: str, environment: str) -> None:
    stage = rendered_stage(product, environment)
    for worker in PRODUCTS[product].workers:
        version = stage.one("cloudflare:index/workerVersion:WorkerVersion", f"{worker.name}-version")
        assert tuple(binding["name"] for binding in version.inputs["bindings"]) == worker.granted()


@every_stage
def test_a_secret_binding_is_sealed_and_never_a_plain_text(product: str, environment: str) -> None:
    for version in rendered_stage(product, environment).of("cloudflare:index/workerVersion:WorkerVersion"):
        for binding in version.inputs["bindings"]:
            assert isinstance(binding.get("text"), Sealed) == (binding["type"] == "secret_text"), binding["name"]


@every_stage
def test_bindings_point_at_stores_of_the_same_stack(product: str, environment: str) -> None:
    stage = rendered_stage(product, environment)
    names = set(physical_names(stage))
    own = f"{PRODUCTS[product].name}-{environment}-"
    for version in stage.of("cloudflare:index/workerVersion:WorkerVersion"):
        for binding in version.inputs["bindings"]:
            for field in ("bucketName", "queueName", "service", "scriptName"):
                assert binding.get(field) in names | {None}
            for field in ("databaseId", "namespaceId"):
                assert str(binding.get(field, environment)).startswith(environment)
            assert binding.get("dataset", own).startswith(own)
