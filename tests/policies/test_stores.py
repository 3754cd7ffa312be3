"""Rules about stores: a compliant baseline of each, broken one field at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import stores
from tests.support.policy_scene import as_first_preview, changed, found, make_context, make_resource, observed_in
from tests.support.stages import PRODUCTS, STAGES, rendered_stage

RULES = {rule.name: rule for rule in stores.RULES}
STAGING = make_context("staging")
PRODUCTION = make_context("production")

DATABASE = make_resource(
    t.D1_DATABASE, "d1-main", name="harbor-staging-d1-main", readReplication={"mode": "disabled"}, token="canary"
)
NAMESPACE = make_resource(t.WORKERS_KV_NAMESPACE, "kv", title="harbor-staging-kv-sessions")
BUCKET = make_resource(t.R2_BUCKET, "r2", name="harbor-staging-r2-files")
QUEUE = make_resource(t.QUEUE, "queue", queueName="harbor-staging-queue-events")
WORKER = make_resource(t.WORKER, "web", name="harbor-staging-worker-web")
VAULT = make_resource(t.S3_BUCKET, "vault", bucket="harbor-staging-vault-222222222222")
DEAD = make_resource(t.SQS_QUEUE, "dead", name="harbor-staging-queue-dead")
TOPIC = make_resource(t.SNS_TOPIC, "topic", name="harbor-staging-topic-cost")
ALIAS = make_resource(t.KMS_ALIAS, "alias", name="alias/harbor-staging-key-vault")
BUDGET = make_resource(t.BUDGET, "budget", name="harbor-staging-budget")
ALARM = make_resource(t.CLOUDWATCH_METRIC_ALARM, "alarm", name="harbor-staging-alarm-errors")
NAMED = {
    "name": (DATABASE, BUCKET, WORKER, DEAD, TOPIC, ALIAS, BUDGET, ALARM),
    "title": (NAMESPACE,),
    "queueName": (QUEUE,),
    "bucket": (VAULT,),
}
ALL_NAMED = [each for group in NAMED.values() for each in group]


@pytest.mark.parametrize(
    "type_",
    [
        t.D1_DATABASE,
        t.WORKERS_KV_NAMESPACE,
        t.R2_BUCKET,
        t.QUEUE,
        t.S3_BUCKET,
        t.SQS_QUEUE,
        t.KMS_KEY,
        t.KMS_REPLICA_KEY,
        t.GITHUB_REPOSITORY,
    ],
)
def test_no_store_of_production_can_be_deleted_by_mistake(type_: ResourceType) -> None:
    rule, store = RULES["store-unprotected"], make_resource(type_, name=UNKNOWN, value="canary")
    assert found(rule, replace(store, protect=True), context=PRODUCTION) == []
    (message,) = found(rule, store, context=PRODUCTION)
    assert f"One mistaken destroy or replacement loses {type_.holds_data}." in message
    assert "canary" not in message


@pytest.mark.parametrize("environment", ["development", "staging", "pr-7"])
def test_what_is_not_production_can_be_destroyed(environment: str) -> None:
    assert found(RULES["store-unprotected"], make_resource(t.D1_DATABASE), context=make_context(environment)) == []


def test_a_worker_is_a_store_where_durable_objects_live_in_it() -> None:
    rule = RULES["store-unprotected"]
    owner = make_resource(t.WORKER, "booking", name="harbor-production-worker-booking")
    without = make_resource(t.WORKER, "web", name="harbor-production-worker-web")
    others = (without, changed(without, "name", "harbor-production-worker-tool"), changed(owner, "name", UNKNOWN))
    assert found(rule, *others, replace(owner, protect=True), context=PRODUCTION) == []
    (message,) = found(rule, *others, owner, context=PRODUCTION)
    assert "BookingLedger" in message


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_stages_keep_these_rules(product: str, stage: str) -> None:
    resources, context = observed_in(rendered_stage(product, stage)), make_context(stage, of=PRODUCTS[product])
    assert any(each.type == t.D1_DATABASE for each in resources)
    for rule in stores.RULES:
        assert found(rule, *resources, context=context) == []
        assert found(rule, *as_first_preview(resources), context=context) == []


@pytest.mark.parametrize(("resource", "path"), [(each, path) for path, group in NAMED.items() for each in group])
@pytest.mark.parametrize(
    "name",
    [
        "harbor-production-d1-main",
        "alias/harbor-production-key-vault",
        "harbor-stagingx-d1-main",
        "harbor-staging",
        "other-staging-d1-main",
        "alias/other-staging-key",
        "",
        ...,
    ],
)
def test_what_a_store_is_called_begins_with_its_stage(resource: ObservedResource, path: str, name: Any) -> None:
    rule = RULES["store-name-outside-stage"]
    assert found(rule, *ALL_NAMED) == []
    (message,) = found(rule, changed(resource, path, UNKNOWN), changed(resource, path, name))
    assert "canary" not in message


@pytest.mark.parametrize("name", ["harbor-staging-key-vault", "alias/alias/harbor-staging-key"])
def test_an_alias_is_judged_after_its_slash(name: str) -> None:
    assert len(found(RULES["store-name-outside-stage"], changed(ALIAS, "name", name))) == 1


@pytest.mark.parametrize(
    ("type_", "path", "beginning", "foreign"),
    [
        (t.S3_BUCKET, "bucketPrefix", "harbor-staging-vault-", "harbor-production-vault-"),
        (t.SNS_TOPIC, "namePrefix", "harbor-staging-topic-", "harbor-"),
        (t.KMS_ALIAS, "namePrefix", "alias/harbor-staging-key-", "alias/harbor-pr-7-"),
    ],
)
def test_the_beginning_of_a_name_that_aws_ends_is_judged(type_: str, path: str, beginning: str, foreign: str) -> None:
    rule, resource = RULES["store-name-outside-stage"], make_resource(type_)
    assert found(rule, changed(resource, path, beginning), changed(resource, path, UNKNOWN)) == []
    assert len(found(rule, changed(resource, path, foreign))) == 1
    empty = changed(resource, "bucket" if type_ == t.S3_BUCKET else "name", "")
    assert found(rule, changed(empty, path, beginning)) == []
    (message,) = found(rule, empty)
    assert "has no name of its own" in message


def test_names_of_an_ephemeral_stage_are_its_own() -> None:
    rule, database = RULES["store-name-outside-stage"], make_resource(t.D1_DATABASE, name="harbor-pr-7-d1-main")
    assert found(rule, database, context=make_context("pr-7")) == []
    assert len(found(rule, database, context=make_context("pr-70"))) == 1
    assert len(found(rule, database, context=make_context("development"))) == 1


MANAGED = make_resource(t.R2_MANAGED_DOMAIN, "r2-dev", bucketName="harbor-staging-r2-files", enabled=False)
CUSTOM = make_resource(t.R2_CUSTOM_DOMAIN, "r2-domain", domain="files.harbor.example", enabled=False)


@pytest.mark.parametrize("address", [MANAGED, CUSTOM])
@pytest.mark.parametrize("context", [STAGING, PRODUCTION, make_context("development")])
def test_a_bucket_has_no_public_address(address: ObservedResource, context: Any) -> None:
    rule = RULES["r2-public"]
    assert found(rule, MANAGED, CUSTOM, context=context) == []
    hidden = changed(address, "enabled", UNKNOWN)
    assert len(found(rule, hidden, changed(address, "enabled", True), context=context)) == 1
    assert len(found(rule, changed(address, "enabled", ...), context=context)) == 1


OWN_ORIGIN = "https://staging.harbor.example"
CORS = make_resource(
    t.R2_BUCKET_CORS,
    "cors",
    bucketName="harbor-staging-r2-files",
    rules=[{"id": "own", "allowed": {"origins": [OWN_ORIGIN], "methods": ["GET"], "headers": ["content-type"]}}],
)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*",
        "https://*.harbor.example",
        "http://staging.harbor.example",
        "https://harbor.example",
        "https://development.harbor.example",
        "https://admin.staging.harbor.example",
        "https://staging.harbor.example.evil.example",
        "http://localhost:8787",
        "null",
    ],
)
def test_only_the_stages_own_pages_reach_into_a_bucket(origin: str) -> None:
    rule = RULES["r2-cors-any-origin"]
    assert found(rule, CORS) == []
    unknown = changed(CORS, "rules.0.allowed.origins", [UNKNOWN, OWN_ORIGIN])
    (message,) = found(rule, unknown, changed(CORS, "rules.0.allowed.origins", [UNKNOWN, OWN_ORIGIN, origin]))
    assert OWN_ORIGIN in message


def test_each_origin_is_named_once() -> None:
    rule = RULES["r2-cors-any-origin"]
    allowed = {"allowed": {"origins": ["*", "https://evil.example"]}}
    assert len(found(rule, changed(CORS, "rules", [allowed, allowed]))) == 2


@pytest.mark.parametrize("path", ["rules", "rules.0.allowed", "rules.0.allowed.origins", "rules.0.allowed.origins.0"])
def test_origins_that_are_not_known_are_judged_later(path: str) -> None:
    rule = RULES["r2-cors-any-origin"]
    broken = changed(CORS, "rules.0.allowed.origins.0", "*")
    assert len(found(rule, changed(CORS, path, UNKNOWN), broken)) == 1


@pytest.mark.parametrize("origin", [f"{OWN_ORIGIN}/", f"{OWN_ORIGIN}:443", OWN_ORIGIN.upper()])
def test_one_origin_can_be_spelt_in_several_ways(origin: str) -> None:
    assert found(RULES["r2-cors-any-origin"], changed(CORS, "rules.0.allowed.origins", [origin])) == []


def test_development_may_be_reached_from_a_workplace_and_not_from_everywhere() -> None:
    rule, context = RULES["r2-cors-any-origin"], make_context("development")
    local = changed(CORS, "rules.0.allowed.origins", ["http://localhost:8787"])
    assert found(rule, local, context=context) == []
    assert len(found(rule, changed(local, "rules.0.allowed.origins", ["*"]), context=context)) == 1


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("readReplication", ..., "does not say"),
        ("readReplication.mode", ..., "does not say"),
        ("readReplication.mode", "auto", "'auto'"),
    ],
)
def test_read_replication_is_what_the_settings_say(path: str, value: Any, wrong: str) -> None:
    rule = RULES["d1-replication-implicit"]
    assert found(rule, DATABASE) == []
    (message,) = found(rule, changed(DATABASE, "readReplication", UNKNOWN), changed(DATABASE, path, value))
    assert wrong in message
    assert "'disabled'" in message
    assert "canary" not in message


def test_read_replication_follows_the_settings_when_they_change() -> None:
    rule, context = RULES["d1-replication-implicit"], make_context("staging", {"database": {"readReplication": "auto"}})
    assert found(rule, changed(DATABASE, "readReplication.mode", "auto"), context=context) == []
    assert len(found(rule, DATABASE, context=context)) == 1
