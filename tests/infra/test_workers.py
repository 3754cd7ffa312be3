from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from bulkhead.engine.rendered import Rendered
from bulkhead.model.product import Product, Worker
from bulkhead.model.project import ROOT
from bulkhead.resources.catalogue import TRIGGERS
from bulkhead.resources.types import WORKERS_ROUTE
from infra.product import PRODUCT
from tests.support.second_product import BUNDLE, SECOND_PRODUCT
from tests.support.stages import FIRST_PRODUCT, render_stage, rendered_stage

IDENTITY = "cloudflare:index/worker:Worker"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
DEPLOYMENT = "cloudflare:index/workersDeployment:WorkersDeployment"
DOMAIN = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"
CONSUMER = "cloudflare:index/queueConsumer:QueueConsumer"
CRON = "cloudflare:index/workersCronTrigger:WorkersCronTrigger"
SHA256 = hashlib.sha256((ROOT / BUNDLE).read_bytes()).hexdigest()


def urn(stage: Rendered, token: str, name: str) -> str:
    return stage.one(token, name).urn


def binding(stage: Rendered, worker: str, name: str) -> dict[str, object]:
    bindings = stage.one(VERSION, f"{worker}-version").inputs["bindings"]
    [found] = [item for item in bindings if item["name"] == name]
    assert isinstance(found, dict)
    return found


def test_a_version_is_identified_by_the_content_of_its_bundle() -> None:
    version = rendered_stage("first", "staging").one(VERSION, "web-version").inputs
    assert version["annotations"]["workersTag"] == SHA256
    assert version["mainModule"] == "index.js"
    assert version["modules"] == [
        {"name": "index.js", "contentType": "application/javascript+module", "contentFile": BUNDLE}
    ]
    assert binding(rendered_stage("first", "staging"), "web", "RELEASE")["text"] == SHA256[:12]


def test_a_worker_without_durable_objects_is_deployed_at_once_by_a_deployment() -> None:
    stage = rendered_stage("first", "production")
    deployment = stage.one(DEPLOYMENT, "web-deployment")
    assert deployment.inputs["strategy"] == "percentage"
    assert deployment.inputs["versions"] == [{"versionId": "production-web-version-id", "percentage": 100}]
    assert "deploy" not in stage.one(VERSION, "web-version").inputs


def test_where_everybody_gets_a_version_at_once_an_owner_of_durable_objects_is_deployed_by_its_version() -> None:
    stage = rendered_stage("first", "development")
    version = stage.one(VERSION, "booking-version").inputs
    assert version["deploy"] is True
    assert version["exports"] == {"BookingLedger": {"type": "durable-object", "storage": "sqlite"}}
    assert {deployment.name for deployment in stage.of(DEPLOYMENT)} == {"web-deployment", "clerk-deployment"}


def test_a_retired_class_is_deleted_by_a_version_that_deploys_itself() -> None:
    product = Product(name="old", workers=(Worker("solo", BUNDLE, retired=("Gone",)),))
    stage = render_stage(product, "development")
    version = stage.one(VERSION).inputs
    assert version["exports"] == {"Gone": {"type": "durable-object", "state": "deleted"}}
    assert version["deploy"] is True
    assert not stage.of(DEPLOYMENT)


def test_what_a_worker_calls_is_live_before_its_own_version() -> None:
    stage = rendered_stage("first", "staging")
    earlier = stage.before(stage.one(VERSION, "web-version"))
    assert {urn(stage, VERSION, "booking-version"), urn(stage, VERSION, "assistant-version")} <= earlier


def test_a_called_worker_outlives_its_callers() -> None:
    stage = rendered_stage("first", "staging")
    earlier = stage.before(stage.one(IDENTITY, "web"))
    assert {urn(stage, IDENTITY, "booking"), urn(stage, IDENTITY, "assistant")} <= earlier


def test_stores_outlive_the_workers_that_touch_them() -> None:
    stage = rendered_stage("first", "staging")
    earlier = stage.before(stage.one(IDENTITY, "booking"))
    assert urn(stage, "cloudflare:index/d1Database:D1Database", "d1-main") in earlier
    assert urn(stage, "cloudflare:index/queue:Queue", "queue-events") in earlier


def test_nothing_is_sent_to_a_worker_before_its_code_is_live() -> None:
    stage = rendered_stage("first", "staging")
    clerk, web = (urn(stage, DEPLOYMENT, name) for name in ("clerk-deployment", "web-deployment"))
    assert clerk in stage.before(stage.one(CONSUMER))
    assert clerk in stage.before(stage.one(CRON))
    assert web in stage.before(stage.one(DOMAIN))


@pytest.mark.parametrize("environment", ["development", "staging"])
def test_what_waits_for_a_deployment_is_a_trigger_or_the_version_of_a_caller(environment: str) -> None:
    stage = rendered_stage("first", environment)
    live = {each.urn for each in stage.of(DEPLOYMENT)}
    waiting = {each.type for each in stage.resources if each.custom and each.dependencies & live}
    assert waiting - {VERSION} == {CONSUMER, CRON, DOMAIN} == TRIGGERS - {WORKERS_ROUTE}


def test_a_queue_is_consumed_as_the_product_says() -> None:
    consumer = rendered_stage("first", "production").one(CONSUMER, "events-consumer").inputs
    assert consumer["type"] == "worker"
    assert consumer["queueId"] == "queue-events-queue-id"
    assert consumer["scriptName"] == "harbor-production-worker-clerk"
    assert consumer["deadLetterQueue"] == "harbor-production-queue-events-failed"
    assert consumer["settings"] == {"batchSize": 10, "maxRetries": 3, "maxWaitTimeMs": 5000, "maxConcurrency": 5}


def test_crons_reach_cloudflare() -> None:
    assert rendered_stage("first", "production").one(CRON).inputs["schedules"] == [{"cron": "*/15 * * * *"}]


def test_a_hostname_is_replaced_without_losing_the_new_one() -> None:
    domain = rendered_stage("first", "staging").one(DOMAIN)
    assert domain.delete_before_replace
    assert domain.ignore_changes == ("environment",)
    assert domain.inputs["hostname"] == "staging.harbor.example"


def test_a_further_worker_gets_a_label_in_front_of_the_hostname() -> None:
    api = Worker("api", BUNDLE, host="api")
    stage = render_stage(replace(SECOND_PRODUCT, workers=(*SECOND_PRODUCT.workers, api)), "staging")
    hostnames = {domain.inputs["service"]: domain.inputs["hostname"] for domain in stage.of(DOMAIN)}
    assert hostnames == {
        "corner-staging-worker-shop": "staging.harbor.example",
        "corner-staging-worker-api": "api.staging.harbor.example",
    }


def test_workers_dev_addresses_exist_in_a_public_development_and_for_public_workers_only() -> None:
    public = {"access": {"public": True, "emailDomains": []}}
    for environment in ("development", "staging", "production"):
        for worker in render_stage(FIRST_PRODUCT, environment, public).of(IDENTITY):
            open_ = environment == "development" and worker.name == "web"
            assert worker.inputs["subdomain"] == {"enabled": open_, "previewsEnabled": open_}


def test_a_closed_stage_has_no_address_that_its_login_does_not_stand_before() -> None:
    for worker in rendered_stage("first", "development").of(IDENTITY):
        assert worker.inputs["subdomain"] == {"enabled": False, "previewsEnabled": False}


def test_observability_leaves_no_field_to_drift() -> None:
    observability = rendered_stage("first", "production").one(IDENTITY, "web").inputs["observability"]
    assert observability == {
        "enabled": True,
        "headSamplingRate": 1,
        "logs": {
            "enabled": True,
            "headSamplingRate": 1,
            "invocationLogs": True,
            "persist": True,
            "destinations": [],
        },
        "traces": {"enabled": True, "headSamplingRate": 0.05, "persist": True, "destinations": []},
    }
    traces = rendered_stage("first", "development").one(IDENTITY, "web").inputs["observability"]["traces"]
    assert traces["enabled"] is False


def test_a_workers_own_cpu_limit_wins_over_the_stages() -> None:
    stage = render_stage(SECOND_PRODUCT, "staging", {"workers": {"cpuMs": 999}})
    assert stage.one(VERSION).inputs["limits"] == {"cpuMs": 50}
    assert rendered_stage("first", "staging").one(VERSION, "web-version").inputs["limits"] == {"cpuMs": 30_000}


@pytest.mark.parametrize("product", [PRODUCT, SECOND_PRODUCT])
def test_on_the_free_plan_no_worker_has_a_cpu_limit(product: Product) -> None:
    """Not even one that sets its own: Cloudflare refuses every limit there."""
    stage = render_stage(product, "staging", {"workers": {"cpuMs": None}})
    assert [version.inputs.get("limits") for version in stage.of(VERSION)] == [None] * len(product.workers)


def test_a_worker_is_told_its_stage() -> None:
    changes = {
        "featureFlags": {"newChat": True},
        "maintenance": {"enabled": True, "endTime": "2026-09-01T04:00:00+09:00"},
    }
    stage = render_stage(SECOND_PRODUCT, "staging", changes)
    told = {
        name: binding(stage, "shop", name)["text"]
        for name in ("STAGE", "ENVIRONMENT", "NODE_ENV", "SERVICE_NAME", "LOG_LEVEL", "LOG_REDACT", "TZ")
    }
    assert told == {
        "STAGE": "staging",
        "ENVIRONMENT": "staging",
        "NODE_ENV": "staging",
        "SERVICE_NAME": "corner-staging-worker-shop",
        "LOG_LEVEL": "debug",
        "LOG_REDACT": "true",
        "TZ": "Asia/Tokyo",
    }
    assert binding(stage, "shop", "MAINTENANCE_MODE")["text"] == "true"
    assert binding(stage, "shop", "MAINTENANCE_END_TIME")["text"] == "2026-09-01T04:00:00+09:00"
    assert json.loads(str(binding(stage, "shop", "FEATURE_FLAGS")["json"])) == {"newChat": True}
    assert json.loads(str(binding(stage, "shop", "CACHE_TTLS")["json"]))["rulesSeconds"] == 300


def test_an_ephemeral_stack_is_a_development_stage_with_names_of_its_own() -> None:
    stage = render_stage(SECOND_PRODUCT, "pr-42")
    assert stage.one(IDENTITY).inputs["name"] == "corner-pr-42-worker-shop"
    assert binding(stage, "shop", "STAGE")["text"] == "development"
    assert binding(stage, "shop", "ENVIRONMENT")["text"] == "pr-42"


def without_times(crons: tuple[str, ...] | None) -> Rendered:
    quiet = (replace(worker, crons=crons if worker.crons else None) for worker in FIRST_PRODUCT.workers)
    return render_stage(replace(FIRST_PRODUCT, workers=tuple(quiet)), "production")


def test_times_that_were_taken_away_are_still_said_to_be_none() -> None:
    """The provider deletes no trigger, so without one in the program the Worker would go on being called."""
    assert without_times(()).one(CRON).inputs["schedules"] == []
    assert CRON not in {each.type for each in without_times(None).resources}
