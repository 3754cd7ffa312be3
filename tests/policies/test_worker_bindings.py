"""Rules about what a Worker is granted: our own stages keep them, and each break is found once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.values import UNKNOWN
from tests.support.policy_scene import changed, found, make_context, make_resource
from tests.support.stages import PRODUCTS
from tests.support.worker_scene import (
    AUDIT,
    FOREIGN,
    NOT_BOUND,
    NOT_GRANTED,
    OBJECTS,
    RULES,
    SHARED,
    THEIRS,
    VIEWS,
    as_script,
    drawing,
    one,
    put,
    rebound,
    staging,
    unbound,
)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("stack", ["development", "staging", "production", "pr-42"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_stages_keep_the_rules(product: str, stack: str, view: str) -> None:
    scene = VIEWS[view](product, stack)
    context = make_context(stack, of=PRODUCTS[product])
    for rule in RULES.values():
        assert found(rule, *scene, context=context) == []
        assert found(rule, *reversed(scene), context=context) == []


def test_the_order_of_bindings_says_nothing() -> None:
    scene = staging()
    web = one(scene, "web-version")
    turned = changed(web, "bindings", [*reversed(web.props["bindings"])])
    for rule in RULES.values():
        assert found(rule, *put(scene, turned)) == []


# What the API adds when it answers: a class's script and namespace, D1's two spellings, defaults of a service.
ANSWERED: dict[str, dict[str, Any]] = {
    "LEDGER": {"scriptName": "harbor-staging-worker-booking", "namespaceId": "made-up", "environment": "production"},
    "DB": {"id": "staging-d1-main-id", "type": "D1"},
    "EVENTS": {"databaseId": None, "className": UNKNOWN},
    "VERSION": {"namespaceId": UNKNOWN, "scriptName": UNKNOWN},
    "RELEASE": {"databaseId": UNKNOWN},
}


def test_what_the_api_adds_is_no_break() -> None:
    scene = staging()
    booking = one(scene, "booking-version")
    for name, added in ANSWERED.items():
        booking = rebound(booking, name, **added)
    web = rebound(one(scene, "web-version"), "BOOKING", environment="production", entrypoint="")
    planned = rebound(booking, "LEDGER", scriptName=UNKNOWN, namespaceId=UNKNOWN)
    for rule in RULES.values():
        assert found(rule, *put(put(scene, booking), web)) == []
        assert found(rule, *put(scene, planned)) == []


def test_what_the_provider_will_learn_does_not_hide_what_is_said() -> None:
    scene = staging()
    planned = rebound(one(scene, "clerk-version"), "DB", id="staging-d1-main-id", databaseId=UNKNOWN)
    assert found(FOREIGN, *put(scene, drawing(planned, "bindings"))) == []
    assert found(NOT_GRANTED, *put(scene, drawing(planned, "bindings"))) == []
    assert len(found(NOT_GRANTED, AUDIT, *put(scene, rebound(planned, "DB", id="audit-id")))) == 1


def test_a_version_may_say_its_worker_by_name() -> None:
    scene = staging()
    by_name = changed(one(scene, "booking-version"), "workerId", "harbor-staging-worker-booking")
    for rule in RULES.values():
        assert found(rule, *put(scene, by_name)) == []


@pytest.mark.parametrize("view", VIEWS)
def test_entrypoints_values_and_classes_of_others_can_be_granted(view: str) -> None:
    scene, context = VIEWS[view]("tower", "staging"), make_context("staging", of=SHARED)
    for rule in RULES.values():
        assert found(rule, *scene, context=context) == []
    front, back = one(scene, "front-version"), one(scene, "back-version")
    spaced = rebound(back, "LIMITS", json='{"a":[2],"b":1.0}')
    empty = rebound(back, "EMPTY", text=...)
    assert found(NOT_GRANTED, *put(scene, spaced), context=context) == []
    assert found(NOT_GRANTED, *put(scene, empty), context=context) == []
    for broken in (
        rebound(front, "ADMIN", entrypoint="Other"),
        rebound(front, "ADMIN", entrypoint=...),
        rebound(front, "ROOMS", className="Vault"),
        rebound(front, "ROOMS", scriptName="tower-staging-worker-front"),
        rebound(back, "EMPTY", text="canary"),
        rebound(back, "LIMITS", json='{"a": "canary"}'),
    ):
        (message,) = found(NOT_GRANTED, *put(scene, broken), context=context)
        assert "canary" not in message


BREAKS: list[tuple[str, str, dict[str, Any]]] = [
    ("web-version", "OTHER", {"type": "ai"}),
    ("web-version", "OTHER", {"type": "kv_namespace", "namespaceId": "staging-kv-sessions-id"}),
    ("web-version", "OTHER", {"type": "plain_text", "text": "canary"}),
    ("web-version", "OTHER", {"type": "secret_text", "text": "canary"}),
    ("web-version", "SESSION_KEY", {"type": "plain_text"}),
    ("web-version", "RELEASE", {"type": "secret_text"}),
    ("web-version", "BOOKING", {"service": "harbor-staging-worker-clerk"}),
    ("web-version", "BOOKING", {"service": "harbor-production-worker-booking"}),
    ("web-version", "BOOKING", {"service": ...}),
    ("web-version", "BOOKING", {"entrypoint": "Admin"}),
    ("web-version", "BOOKING", {"environment": "old"}),
    ("booking-version", "EVENTS", {"queueName": "harbor-staging-queue-events-failed"}),
    ("booking-version", "DB", {"databaseId": "somebody"}),
    ("booking-version", "DB", {"databaseId": "audit-id"}),
    ("booking-version", "DB", {"id": "audit-id"}),
    ("booking-version", "DB", {"databaseId": ...}),
    ("booking-version", "DB", {"type": "inherit", "databaseId": ...}),
    ("booking-version", "LEDGER", {"className": "Other"}),
    ("booking-version", "LEDGER", {"scriptName": "harbor-staging-worker-web"}),
    ("booking-version", "LEDGER", {"dispatchNamespace": "tenants"}),
    ("assistant-version", "TRANSCRIPTS", {"bucketName": "harbor-staging-r2-other"}),
    ("assistant-version", "TRANSCRIPTS", {"jurisdiction": "eu"}),
    ("assistant-version", "ANSWERS", {"namespaceId": "staging-kv-sessions-id"}),
    ("clerk-version", "OTHER", {"type": "assets"}),
]


@pytest.mark.parametrize(("version", "binding", "change"), BREAKS)
def test_a_binding_is_what_the_product_grants(version: str, binding: str, change: dict[str, Any]) -> None:
    scene = [AUDIT, *staging()]
    (message,) = found(NOT_GRANTED, *put(scene, rebound(one(scene, version), binding, **change)))
    assert binding in message
    assert version in message
    assert "canary" not in message
    # as a script of its own, in one step with its bindings
    worker = one(scene, version.removesuffix("-version"))
    broken = as_script(rebound(one(scene, version), binding, **change), worker.props["name"])
    for type_ in (t.WORKERS_SCRIPT, t.WORKER_SCRIPT):
        assert len(found(NOT_GRANTED, *scene, replace(broken, type=type_))) == 1


@pytest.mark.parametrize("type_", [t.WORKERS_SCRIPT, t.WORKER_SCRIPT])
def test_a_script_may_carry_what_a_version_may(type_: str) -> None:
    scene = staging()
    for name in ("web", "booking", "assistant", "clerk"):
        script = as_script(one(scene, f"{name}-version"), f"harbor-staging-worker-{name}")
        for rule in RULES.values():
            assert found(rule, *scene, replace(script, type=type_)) == []


def test_what_is_not_known_hides_no_break() -> None:
    scene = staging("first preview")
    unknown = changed(one(scene, "web-version"), "bindings", UNKNOWN)
    half = changed(one(scene, "booking-version"), "bindings.0", UNKNOWN)
    later = rebound(one(scene, "assistant-version"), "TRANSCRIPTS", bucketName=UNKNOWN, type=UNKNOWN)
    scene = put(put(put(scene, unknown), half), later)
    for rule in RULES.values():
        assert found(rule, *scene) == []
    clerk = rebound(unbound(one(scene, "clerk-version"), "TZ"), "OTHER", type="d1", databaseId="their-id")
    clerk = rebound(clerk, "ROOM", type="durable_object_namespace", className="Conversation")
    scene = put(scene, clerk)
    assert len(found(NOT_GRANTED, *scene)) == 2
    assert len(found(NOT_BOUND, *scene)) == 1
    assert len(found(FOREIGN, *scene)) == 1
    assert len(found(OBJECTS, *scene)) == 1


def test_a_first_preview_joins_a_binding_to_the_store_its_value_comes_from() -> None:
    scene = staging("first preview")
    clerk = one(scene, "clerk-version")
    assert found(NOT_GRANTED, *put(scene, drawing(clerk, "bindings", one(scene, "d1-main")))) == []
    (swapped,) = found(NOT_GRANTED, *put(scene, drawing(clerk, "bindings", AUDIT)), AUDIT)
    assert "harbor-staging-d1-audit" in swapped
    (both,) = found(NOT_GRANTED, *put(scene, drawing(clerk, "bindings", one(scene, "d1-main"), AUDIT)), AUDIT)
    assert "harbor-staging-d1-audit" in both
    (hidden,) = found(NOT_GRANTED, *put(scene, drawing(changed(clerk, "bindings", UNKNOWN), "bindings", AUDIT)), AUDIT)
    assert "harbor-staging-d1-audit" in hidden
    web = rebound(one(scene, "web-version"), "BOOKING", service=UNKNOWN)
    assert found(NOT_GRANTED, *put(scene, web)) == []
    astray = drawing(web, "bindings", one(scene, "kv-sessions"), one(scene, "clerk"))
    assert len(found(NOT_GRANTED, *put(scene, astray))) == 1


def test_a_version_of_an_unknown_worker_may_hold_what_any_worker_may() -> None:
    scene = staging("first preview")
    stray = drawing(one(scene, "booking-version"), "workerId")
    for rule in RULES.values():
        assert found(rule, *put(scene, stray)) == []
    assert len(found(NOT_GRANTED, *put(scene, rebound(stray, "DB", type="kv_namespace")))) == 1
    assert len(found(OBJECTS, *put(scene, rebound(stray, "LEDGER", className="Vault")))) == 1
    assert len(found(NOT_BOUND, *put(scene, unbound(stray, "STAGE")))) == 1
    assert found(NOT_BOUND, *put(scene, rebound(stray, "STAGE", name=UNKNOWN))) == []


def test_a_worker_that_the_product_does_not_have_is_granted_nothing() -> None:
    scene = staging()
    probe = make_resource(t.WORKERS_SCRIPT, scriptName="harbor-staging-worker-probe", bindings=[])
    variables = [{"name": "STAGE", "type": "plain_text", "text": "staging"}, {"name": "V", "type": "version_metadata"}]
    assert found(NOT_GRANTED, probe, changed(probe, "bindings", variables)) == []
    assert found(NOT_BOUND, probe) == []
    assert len(found(NOT_GRANTED, changed(probe, "bindings", [{"name": "AI", "type": "ai"}]))) == 1
    room = {"name": "R", "type": "durable_object_namespace", "className": "BookingLedger"}
    assert len(found(OBJECTS, changed(probe, "bindings", [room]))) == 1
    literal = changed(one(scene, "booking-version"), "workerId", "an-id-of-another-stage")
    assert len(found(NOT_GRANTED, *put(scene, drawing(literal, "workerId")))) == 3


# PagesProject and the previews of a Worker carry the same bindings under other names.
PAGES = {
    "d1Databases": {"DB": {"id": "staging-d1-main-id"}},
    "queueProducers": {"EVENTS": {"name": "harbor-staging-queue-events"}},
    "envVars": {"STAGE": {"type": "plain_text", "value": "staging"}},
}


@pytest.mark.parametrize("config", ["preview", "production"])
@pytest.mark.parametrize(
    ("path", "value", "foreign"),
    [
        ("d1Databases.DB.id", "their-id", 1),
        ("d1Databases.DB.id", "somebody", 1),
        ("d1Databases.MORE", {"id": "staging-d1-main-id"}, 0),
        ("queueProducers.EVENTS.name", "harbor-production-queue-events", 1),
        ("kvNamespaces", {"KV": {"namespaceId": "somebody"}}, 1),
        ("r2Buckets", {"R2": {"name": "harbor-production-r2-transcripts"}}, 1),
        ("services", {"WEB": {"service": "harbor-production-worker-web"}}, 1),
        ("durableObjectNamespaces", {"ROOM": {"namespaceId": "somebody"}}, 1),
        ("analyticsEngineDatasets", {"HITS": {"dataset": "harbor-production-dataset-hits"}}, 1),
        ("aiBindings", {"AI": {"projectId": ""}}, 0),
        ("vectorizeBindings", {"FIND": {"indexName": "canary"}}, 0),
        ("envVars.PASS", {"type": "secret_text", "value": "canary"}, 0),
        ("envVars.PASS", {"type": "plain_text", "value": "canary"}, 0),
    ],
)
def test_a_pages_project_is_judged_like_a_worker(config: str, path: str, value: Any, foreign: int) -> None:
    scene = [THEIRS, *staging()]
    pages = make_resource(t.PAGES_PROJECT, name="harbor-staging-worker-booking", deploymentConfigs={config: PAGES})
    assert found(NOT_GRANTED, *scene, pages) == []
    assert found(FOREIGN, *scene, pages) == []
    broken = changed(pages, f"deploymentConfigs.{config}.{path}", value)
    (message,) = found(NOT_GRANTED, *scene, broken)
    assert "canary" not in message
    assert len(found(FOREIGN, *scene, broken)) == foreign
    later = changed(pages, f"deploymentConfigs.{config}", UNKNOWN)
    assert found(NOT_GRANTED, *scene, later) == []
    assert found(FOREIGN, *scene, later) == []
    assert found(OBJECTS, *scene, later) == []
    group = path.partition(".")[0]
    assert found(NOT_GRANTED, *scene, changed(pages, f"deploymentConfigs.{config}.{group}", UNKNOWN)) == []
    assert found(FOREIGN, *scene, changed(pages, f"deploymentConfigs.{config}.{group}", UNKNOWN)) == []


def test_a_pages_project_reaches_objects_by_the_namespace_of_the_stage_only() -> None:
    scene = staging()
    booking = rebound(one(scene, "booking-version"), "LEDGER", namespaceId="own")
    pages = make_resource(
        t.PAGES_PROJECT,
        name="harbor-staging-pages",
        deploymentConfigs={"production": {"durableObjectNamespaces": {"LEDGER": {"namespaceId": "own"}}}},
    )
    assert found(FOREIGN, *put(scene, booking), pages) == []
    assert len(found(FOREIGN, *scene, pages)) == 1
    assert len(found(OBJECTS, *scene, pages)) == 1
    later = changed(pages, "deploymentConfigs.production.durableObjectNamespaces.LEDGER", UNKNOWN)
    assert found(OBJECTS, *scene, later) == []


def test_what_new_previews_are_bound_to_is_granted_too() -> None:
    scene = staging()
    env = {"DB": {"type": "d1"}, "LEDGER": {"type": "durable_object_namespace"}, "STAGE": {"type": "plain_text"}}
    booking = changed(one(scene, "booking"), "previewsBaseConfig", {"env": env})
    for rule in RULES.values():
        assert found(rule, *put(scene, booking)) == []
        assert found(rule, *put(scene, changed(booking, "previewsBaseConfig.env", UNKNOWN))) == []
    assert len(found(NOT_GRANTED, *put(scene, changed(booking, "previewsBaseConfig.env.AI", {"type": "ai"})))) == 1
    assert len(found(NOT_GRANTED, *put(scene, changed(booking, "previewsBaseConfig.env.DB.type", "ai")))) == 1
    theirs = changed(booking, "previewsBaseConfig.env.DB.databaseId", "their-id")
    assert len(found(FOREIGN, THEIRS, *put(scene, theirs))) == 1
    drawn = drawing(booking, "previewsBaseConfig", THEIRS)
    assert len(found(FOREIGN, THEIRS, *put(scene, drawn))) == 1


@pytest.mark.parametrize("name", ["DB", "EVENTS", "LEDGER", "VERSION", "LOG_LEVEL", "STAGE", "RELEASE"])
@pytest.mark.parametrize("view", VIEWS)
def test_everything_granted_is_bound(name: str, view: str) -> None:
    scene = staging(view)
    lacking = unbound(one(scene, "booking-version"), name)
    (message,) = found(NOT_BOUND, *put(scene, lacking))
    assert name in message
    assert len(found(NOT_BOUND, *scene, as_script(lacking, "harbor-staging-worker-booking"))) == 1


def test_a_version_without_bindings_lacks_everything() -> None:
    scene = staging()
    clerk = one(scene, "clerk-version")
    values: tuple[Any, ...] = (..., [], None)
    for value in values:
        (message,) = found(NOT_BOUND, *put(scene, changed(clerk, "bindings", value)))
        assert "DB" in message
    assert found(NOT_BOUND, *put(scene, changed(clerk, "bindings", UNKNOWN))) == []
    # one that is not known may be the one that lacks, not two
    hidden = changed(unbound(clerk, "DB"), "bindings.0", UNKNOWN)
    assert len(found(NOT_BOUND, *put(scene, hidden))) == 1
    assert found(NOT_BOUND, *put(scene, rebound(clerk, "DB", name=UNKNOWN))) == []
