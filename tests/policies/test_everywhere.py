"""Rules about every resource: a compliant baseline of each, broken one field at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import OWN_STACK, ResourceType
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import everywhere
from tests.support.policy_scene import changed, found, make_context, make_resource

RULES = {rule.name: rule for rule in everywhere.RULES}
STAGING = make_context("staging")
AWS = make_resource(
    "pulumi:providers:aws",
    "aws",
    allowedAccountIds='["222222222222"]',
    region="ap-northeast-1",
    defaultTags='{"tags": {"stage": "staging", "environment": "staging"}}',
)
CLOUDFLARE = make_resource("pulumi:providers:cloudflare", "cloudflare", apiToken="canary")
GITHUB = make_resource("pulumi:providers:github", "github", owner="harbor-inc", token="canary")
OWN = replace(make_resource(t.QUEUE), provider=AWS.urn)


@pytest.mark.parametrize("name", ["default", "default_6_23_1"])
def test_a_default_provider_is_refused(name: str) -> None:
    rule = RULES["default-provider-used"]
    assert found(rule, OWN) == []
    assert found(rule, make_resource("bulkhead:data:DataStores")) == []  # a component has none
    by_default = replace(OWN, provider=f"urn:pulumi:staging::bulkhead::pulumi:providers:cloudflare::{name}")
    assert len(found(rule, by_default)) == 1


@pytest.mark.parametrize(
    ("provider", "path", "value"),
    [
        (AWS, "allowedAccountIds", ...),
        (AWS, "allowedAccountIds", "[]"),
        (AWS, "allowedAccountIds", '["333333333333"]'),
        (AWS, "allowedAccountIds", '["222222222222", "333333333333"]'),
        (AWS, "allowedAccountIds", ["333333333333"]),
        (AWS, "allowedAccountIds", "222222222222"),
        (CLOUDFLARE, "apiToken", ...),
        (CLOUDFLARE, "apiToken", ""),
        (GITHUB, "owner", "somebody"),
        (GITHUB, "owner", ...),
        (GITHUB, "token", ...),
    ],
)
def test_a_provider_is_bound_to_the_stages_account(provider: ObservedResource, path: str, value: Any) -> None:
    rule = RULES["provider-account-not-pinned"]
    assert found(rule, AWS, CLOUDFLARE, GITHUB) == []
    (message,) = found(rule, AWS, CLOUDFLARE, GITHUB, changed(provider, path, value))
    assert "canary" not in message


@pytest.mark.parametrize(
    ("provider", "path"),
    [(AWS, "allowedAccountIds"), (CLOUDFLARE, "apiToken"), (GITHUB, "owner"), (GITHUB, "token")],
)
def test_what_a_provider_is_told_later_is_judged_later(provider: ObservedResource, path: str) -> None:
    rule = RULES["provider-account-not-pinned"]
    broken = changed(AWS, "allowedAccountIds", "[]")
    assert len(found(rule, changed(provider, path, UNKNOWN), broken)) == 1


def test_github_is_reached_by_an_app_too_and_its_owner_in_any_case() -> None:
    app = changed(changed(GITHUB, "token", ...), "appAuth", '{"id": "1", "installationId": "2", "pemFile": "x"}')
    assert found(RULES["provider-account-not-pinned"], app, changed(GITHUB, "owner", "Harbor-Inc")) == []


def test_no_other_stack_is_read() -> None:
    rule = RULES["stack-reference-to-another-stage"]
    assert found(rule, AWS, CLOUDFLARE, GITHUB, OWN) == []
    assert len(found(rule, AWS, make_resource("pulumi:providers:pulumi", "default"))) == 1
    own = make_resource("pulumi:providers:pulumi", OWN_STACK)
    assert found(rule, AWS, own) == []
    assert len(found(rule, own, context=replace(make_context(), identities=True))) == 1, "identities read no stack"


@pytest.mark.parametrize("path", ["bindings", "bindings[0].text", "bindings.0", '["bindings"]', '["bindings"][0]', "*"])
def test_what_guards_a_resource_is_not_ignored(path: str) -> None:
    rule = RULES["ignore-changes-hides-security"]
    version = make_resource(t.WORKER_VERSION)
    assert found(rule, version, replace(version, ignore_changes=("annotations", "modules"))) == []
    assert found(rule, replace(make_resource(t.QUEUE), ignore_changes=("*",))) == []  # nothing of it guards anything
    assert len(found(rule, replace(version, ignore_changes=("annotations", path)))) == 1
    composite = replace(make_resource(t.CLOUDWATCH_COMPOSITE_ALARM), ignore_changes=("alarmRule",))
    assert len(found(rule, composite)) == 1


@pytest.mark.parametrize("row", [row for row in CATALOGUE.values() if row.guards], ids=lambda row: row.token)
def test_nothing_that_a_row_calls_a_guard_is_ignored(row: ResourceType) -> None:
    rule = RULES["ignore-changes-hides-security"]
    messages = found(rule, *(replace(make_resource(row), ignore_changes=(name,)) for name in row.guarding))
    assert len(messages) == len(row.guarding) > 0


@pytest.mark.parametrize(
    ("type_", "path"),
    [(t.R2_BUCKET_LIFECYCLE, "rules"), (t.S3_BUCKET_LOGGING, "targetBucket"), (t.S3_BUCKET_LOGGING, "targetPrefix")],
)
def test_when_objects_expire_and_who_is_logged_is_not_ignored(type_: str, path: str) -> None:
    (message,) = found(
        RULES["ignore-changes-hides-security"], replace(make_resource(type_), ignore_changes=(f"{path}[0].id",))
    )
    assert f"ignores changes of {path}. " in message


@pytest.mark.parametrize("type_", ["aws:ec2/instance:Instance", t.WORKERS_SCRIPT, t.API_TOKEN, t.IAM_ACCESS_KEY])
def test_a_type_nobody_reviewed_is_refused(type_: str) -> None:
    rule = RULES["resource-type-not-reviewed"]
    ours = ("pulumi:providers:aws", "pulumi:pulumi:StackReference", "bulkhead:data:DataStores", t.WORKER_VERSION)
    assert found(rule, *(replace(make_resource(each), provider="urn::aws") for each in ours)) == []
    assert len(found(rule, replace(make_resource(type_), provider="urn::aws"))) == 1


def test_a_type_that_nobody_knows_says_where_it_is_to_be_known() -> None:
    (message,) = found(
        RULES["resource-type-not-reviewed"], replace(make_resource("aws:ec2/instance:Instance"), provider="urn::aws")
    )
    assert "is of a type that nobody has reviewed" in message
    assert message.endswith("fix: add its row in bulkhead/resources/, together with the rules that it needs")


REFUSED = [row for row in CATALOGUE.values() if row.admitted is not True]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.token)
def test_a_type_that_is_known_and_refused_says_why_and_what_to_use(row: ResourceType) -> None:
    (message,) = found(RULES["resource-type-not-reviewed"], replace(make_resource(row), provider="urn::any"))
    assert f"is of a type that no stage may have: {row.admitted}. " in message
    fix = message.partition("fix: ")[2]
    assert fix == f"use {row.use_instead}" if row.use_instead else fix.startswith("leave it out, or admit its row in ")


@pytest.mark.parametrize("type_", [t.KMS_REPLICA_KEY, t.WORKERS_SCRIPT_SUBDOMAIN, t.ZERO_TRUST_ACCESS_GROUP])
def test_a_type_that_the_rules_look_at_is_let_be(type_: str) -> None:
    assert found(RULES["resource-type-not-reviewed"], replace(make_resource(type_), provider="urn::any")) == []


def test_a_component_of_somebodys_own_is_in_no_cloud() -> None:
    assert found(RULES["resource-type-not-reviewed"], make_resource("acme:index:Data")) == []


@pytest.mark.parametrize(
    ("type_", "successor"),
    [(t.WORKER_DOMAIN, t.WORKERS_CUSTOM_DOMAIN), (t.S3_BUCKET_ACL, t.S3_BUCKET_POLICY), (t.API_TOKEN, t.ACCOUNT_TOKEN)],
)
def test_a_twin_is_told_what_to_use(type_: str, successor: str) -> None:
    rule = RULES["resource-type-not-reviewed"]
    (message,) = found(rule, replace(make_resource(type_), provider="urn::any"))
    assert message.endswith(f"fix: use {successor}")
    assert found(rule, replace(make_resource(successor), provider="urn::any")) == []


VERSION = make_resource(
    t.WORKER_VERSION,
    "web-version",
    bindings=[
        {"type": "plain_text", "name": "STAGE", "text": "staging"},
        {"type": "plain_text", "name": "ENVIRONMENT", "text": "staging"},
        {"type": "plain_text", "name": "LOG_LEVEL", "text": "debug"},
    ],
)
WORKER = make_resource(t.WORKER, "web", tags=["product:harbor", "stage:staging", "environment:staging"])
FUNCTION = make_resource(t.LAMBDA_FUNCTION, "job", environment={"variables": {"STAGE": "x", "ENVIRONMENT": "staging"}})
BUCKET = make_resource(t.S3_BUCKET, "vault", tags={"stage": "staging", "part": "vault"})


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        (VERSION, "bindings.0.text", "production"),
        (VERSION, "bindings.1.text", "pr-7"),
        (VERSION, "bindings.0", {"type": "json", "name": "STAGE", "json": '"production"'}),
        (VERSION, "bindings.2", {"type": "json", "name": "CONFIG", "json": '{"a": [{"stage": "production"}]}'}),
        (VERSION, "bindings.2", {"type": "JSON", "name": "ENVIRONMENT", "json": '"pr-7"'}),
        (FUNCTION, "environment.variables.STAGE", "production"),
        (WORKER, "tags.1", "stage:production"),
        (BUCKET, "tags.stage", "development"),
        (AWS, "defaultTags", '{"tags": {"stage": "production"}}'),
    ],
)
def test_nothing_says_that_it_belongs_to_another_stage(resource: ObservedResource, path: str, value: Any) -> None:
    rule = RULES["stage-mismatch"]
    assert found(rule, VERSION, WORKER, BUCKET, AWS, FUNCTION) == []
    unknown = changed(VERSION, "bindings", UNKNOWN)
    (message,) = found(rule, unknown, changed(resource, path, value))
    assert resource.name in message


PLACED = [
    make_resource(t.D1_DATABASE, accountId="2" * 32),
    make_resource(t.DNS_RECORD, zoneId="2f" * 16),
    make_resource(t.WORKERS_CUSTOM_DOMAIN, accountId="2" * 32, zoneId="2f" * 16),
    make_resource(t.WORKER_VERSION, accountId="2" * 32, workerId="harbor-staging-worker-web"),
    make_resource(t.WORKERS_DEPLOYMENT, scriptName="harbor-staging-worker-web"),
    make_resource(t.WORKERS_CRON_TRIGGER, scriptName="harbor-staging-worker-clerk"),
    make_resource(t.R2_BUCKET_LIFECYCLE, bucketName="harbor-staging-r2-transcripts"),
    make_resource(t.R2_BUCKET_LOCK, bucketName="harbor-staging-r2-transcripts"),
]
ELSEWHERE = {
    "accountId": "3" * 32,
    "zoneId": "3f" * 16,
    "scriptName": "harbor-production-worker-web",
    "bucketName": "harbor-production-r2-transcripts",
    "workerId": "harbor-production-worker-web",
}


@pytest.mark.parametrize(
    ("resource", "path"), [(resource, path) for resource in PLACED for path in ELSEWHERE if path in resource.props]
)
def test_cloudflares_things_are_where_the_stage_is(resource: ObservedResource, path: str) -> None:
    rule = RULES["stage-mismatch"]
    assert found(rule, *PLACED) == []
    assert found(rule, changed(resource, path, UNKNOWN)) == []
    assert len(found(rule, changed(resource, path, UNKNOWN), changed(resource, path, ELSEWHERE[path]))) == 1


def test_a_worker_may_be_named_by_its_id() -> None:
    assert (
        found(RULES["stage-mismatch"], make_resource(t.WORKER_VERSION, workerId="5bb4581274551d982720bd1a5586348c"))
        == []
    )


def test_an_ephemeral_stack_is_a_development_stage_of_its_own() -> None:
    rule = RULES["stage-mismatch"]
    tags = make_resource(t.S3_BUCKET, tags={"stage": "development", "environment": "pr-7"})
    assert found(rule, tags, context=make_context("pr-7")) == []
    assert len(found(rule, tags, context=make_context("pr-8"))) == 1
