"""Rules about bindings: our own stages keep them however much of them is known, and each break is found once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from infra.bindings import DurableObject, Json, PlainText, Service
from infra.blueprint import Product, Worker
from policies import tokens as t
from policies.rule import Seen
from policies.rules import worker_bindings
from policies.values import UNKNOWN
from tests.support.policy_scene import as_first_preview, changed, found, make_seen, make_world, seen_in
from tests.support.second_product import BUNDLE
from tests.support.stages import PRODUCTS, render_stage, rendered_stage

RULES = {rule.name: rule for rule in worker_bindings.RULES}
NOT_GRANTED = RULES["worker-binding-not-granted"]
NOT_BOUND = RULES["worker-grant-not-bound"]
FOREIGN = RULES["binding-from-another-stage"]
OBJECTS = RULES["durable-object-of-another-worker"]
THEIRS = make_seen(t.D1_DATABASE, "theirs", id="their-id", uuid="their-id", name="harbor-production-d1-main")
AUDIT = make_seen(t.D1_DATABASE, "audit", id="audit-id", uuid="audit-id", name="harbor-staging-d1-audit")

FRONT = Worker(
    "front", BUNDLE, host="@", bindings=(DurableObject("ROOMS", "Room", "back"), Service("ADMIN", "back", "Admin"))
)
BACK = Worker("back", BUNDLE, owns=("Room",), bindings=(PlainText("EMPTY", ""), Json("LIMITS", {"b": 1, "a": [2]})))
SHARED = Product("tower", workers=(FRONT, BACK))

Scene = list[Seen]


@cache
def _rendered(product: str, stack: str) -> tuple[Seen, ...]:
    return tuple(seen_in(rendered_stage(product, stack) if product in PRODUCTS else render_stage(SHARED, stack)))


def _up(product: str, stack: str) -> Scene:
    """Return a stage as the engine shows it after an `up`: resources with the ids that the mocks have given them."""
    resources = _rendered(product, stack)
    told = {one.urn: replace(one, props={**one.props, **_ids(one, stack)}) for one in resources}
    return [_linked(one, told) for one in told.values()]


def _ids(seen: Seen, stack: str) -> dict[str, str]:
    return {"id": f"{stack}-{seen.name}-id"} | ({"queueId": f"{seen.name}-queue-id"} if seen.type == t.QUEUE else {})


def _linked(seen: Seen, others: dict[str, Seen]) -> Seen:
    return replace(seen, depends={key: tuple(others[each.urn] for each in on) for key, on in seen.depends.items()})


VIEWS: dict[str, Callable[[str, str], Scene]] = {
    "up": _up,
    "up, ids not shown": lambda product, stack: list(_rendered(product, stack)),
    "first preview": lambda product, stack: as_first_preview(_rendered(product, stack)),
}


def staging(view: str = "up") -> Scene:
    return VIEWS[view]("first", "staging")


def one(scene: Sequence[Seen], name: str) -> Seen:
    (it,) = (each for each in scene if each.name == name and each.type.startswith("cloudflare"))
    return it


def put(scene: Scene, new: Seen) -> Scene:
    return [new if each.urn == new.urn else each for each in scene]


def rebound(version: Seen, binding: str, **changes: Any) -> Seen:
    """Return ``version`` with another binding of that name; a change to ``...`` takes a property away."""
    bindings = [dict(each) for each in version.props["bindings"]]
    if binding not in {each["name"] for each in bindings}:
        bindings.append({"name": binding})
    at = next(index for index, each in enumerate(bindings) if each["name"] == binding)
    kept = {key: value for key, value in (bindings[at] | changes).items() if value is not ...}
    return replace(version, props={**version.props, "bindings": [*bindings[:at], kept, *bindings[at + 1 :]]})


def unbound(version: Seen, *names: str) -> Seen:
    kept = [each for each in version.props["bindings"] if each["name"] not in names]
    return replace(version, props={**version.props, "bindings": kept})


def drawing(seen: Seen, property_: str, *sources: Seen) -> Seen:
    """Return ``seen`` with a property whose value comes from these resources and no others."""
    return replace(seen, depends={**seen.depends, property_: sources})


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("stack", ["development", "staging", "production", "pr-42"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_stages_keep_the_rules(product: str, stack: str, view: str) -> None:
    scene = VIEWS[view](product, stack)
    world = make_world(stack, of=PRODUCTS[product])
    for rule in RULES.values():
        assert found(rule, *scene, world=world) == []
        assert found(rule, *reversed(scene), world=world) == []


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
    scene, world = VIEWS[view]("tower", "staging"), make_world("staging", of=SHARED)
    for rule in RULES.values():
        assert found(rule, *scene, world=world) == []
    front, back = one(scene, "front-version"), one(scene, "back-version")
    spaced = rebound(back, "LIMITS", json='{"a":[2],"b":1.0}')
    empty = rebound(back, "EMPTY", text=...)
    assert found(NOT_GRANTED, *put(scene, spaced), world=world) == []
    assert found(NOT_GRANTED, *put(scene, empty), world=world) == []
    for broken in (
        rebound(front, "ADMIN", entrypoint="Other"),
        rebound(front, "ADMIN", entrypoint=...),
        rebound(front, "ROOMS", className="Vault"),
        rebound(front, "ROOMS", scriptName="tower-staging-worker-front"),
        rebound(back, "EMPTY", text="canary"),
        rebound(back, "LIMITS", json='{"a": "canary"}'),
    ):
        (message,) = found(NOT_GRANTED, *put(scene, broken), world=world)
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
    broken = _as_script(rebound(one(scene, version), binding, **change), worker.props["name"])
    for type_ in (t.WORKERS_SCRIPT, t.WORKER_SCRIPT):
        assert len(found(NOT_GRANTED, *scene, replace(broken, type=type_))) == 1


def _as_script(version: Seen, name: str) -> Seen:
    script = make_seen(t.WORKERS_SCRIPT, name, scriptName=name, bindings=version.props["bindings"])
    return drawing(script, "bindings", *version.depends["bindings"])


@pytest.mark.parametrize("type_", [t.WORKERS_SCRIPT, t.WORKER_SCRIPT])
def test_a_script_may_carry_what_a_version_may(type_: str) -> None:
    scene = staging()
    for name in ("web", "booking", "assistant", "clerk"):
        script = _as_script(one(scene, f"{name}-version"), f"harbor-staging-worker-{name}")
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
    probe = make_seen(t.WORKERS_SCRIPT, scriptName="harbor-staging-worker-probe", bindings=[])
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
    pages = make_seen(t.PAGES_PROJECT, name="harbor-staging-worker-booking", deploymentConfigs={config: PAGES})
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
    pages = make_seen(
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
    assert len(found(NOT_BOUND, *scene, _as_script(lacking, "harbor-staging-worker-booking"))) == 1


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


LITERAL: list[tuple[str, str, dict[str, Any]]] = [
    ("booking-version", "DB", {"databaseId": "their-id"}),
    ("booking-version", "DB", {"databaseId": "somebody"}),
    ("booking-version", "DB", {"id": "somebody"}),
    ("web-version", "SESSIONS", {"namespaceId": "somebody"}),
    ("web-version", "BOOKING", {"service": "harbor-production-worker-booking"}),
    ("web-version", "BOOKING", {"service": "booking"}),
    ("booking-version", "EVENTS", {"queueName": "harbor-pr-7-queue-events"}),
    ("assistant-version", "TRANSCRIPTS", {"bucketName": "harbor-production-r2-transcripts"}),
    ("booking-version", "LEDGER", {"scriptName": "harbor-production-worker-booking"}),
    ("booking-version", "OTHER", {"type": "analytics_engine", "dataset": "corner-staging-dataset-visits"}),
    ("booking-version", "OTHER", {"type": "dispatch_namespace", "namespace": "harbor-production-tenants"}),
    ("booking-version", "OTHER", {"type": "workflow", "scriptName": "harbor-production-worker-clerk"}),
    ("booking-version", "OTHER", {"type": "secrets_store_secret", "storeId": "s", "secretName": "harbor-staging-key"}),
    (
        "booking-version",
        "OTHER",
        {
            "type": "dispatch_namespace",
            "namespace": "harbor-staging-tenants",
            "outbound": {"worker": {"service": "harbor-production-worker-web"}},
        },
    ),
]


@pytest.mark.parametrize(("version", "binding", "change"), LITERAL)
def test_nothing_is_bound_to_another_stage(version: str, binding: str, change: dict[str, Any]) -> None:
    scene = [THEIRS, *staging()]
    assert found(FOREIGN, *scene) == []
    broken = rebound(one(scene, version), binding, **change)
    assert len(found(FOREIGN, *put(scene, broken))) == 1
    script = _as_script(broken, f"harbor-staging-worker-{version.removesuffix('-version')}")
    for type_ in (t.WORKERS_SCRIPT, t.WORKER_SCRIPT):
        assert len(found(FOREIGN, *scene, replace(script, type=type_))) == 1


@pytest.mark.parametrize(
    ("version", "binding", "store"),
    [("clerk-version", "DB", "databaseId"), ("web-version", "SESSIONS", "namespaceId")],
)
def test_a_literal_id_is_foreign_in_a_first_preview_too(version: str, binding: str, store: str) -> None:
    scene = staging("first preview")
    literal = rebound(one(scene, version), binding, **{store: "somebody"})
    scripts = [each for each in literal.depends["bindings"] if each.type == t.WORKER]
    assert len(found(FOREIGN, *put(scene, drawing(literal, "bindings", *scripts)))) == 1
    elsewhere = rebound(literal, binding, **{store: UNKNOWN})
    assert len(found(FOREIGN, *put(scene, drawing(elsewhere, "bindings", *scripts)))) == 1


def test_a_literal_id_does_not_hide_behind_another_binding_of_its_type() -> None:
    scene, world = VIEWS["first preview"]("second", "staging"), make_world("staging", of=PRODUCTS["second"])
    shop = one(scene, "shop-version")
    literal = drawing(rebound(shop, "ORDERS", databaseId="somebody"), "bindings", one(scene, "d1-catalogue"))
    (message,) = found(FOREIGN, *put(scene, literal), world=world)
    assert "ORDERS" in message
    (message,) = found(NOT_GRANTED, *put(scene, literal), world=world)
    assert "ORDERS" in message
    swapped = VIEWS["up"]("second", "staging")
    shop = one(swapped, "shop-version")
    turned = rebound(
        rebound(shop, "ORDERS", databaseId="staging-d1-catalogue-id"), "CATALOGUE", databaseId="staging-d1-orders-id"
    )
    assert found(FOREIGN, *put(swapped, turned), world=world) == []
    assert len(found(NOT_GRANTED, *put(swapped, turned), world=world)) == 2


def test_a_store_whose_id_is_about_to_be_told_anew_is_still_the_stages() -> None:
    scene = staging()
    database = changed(one(scene, "d1-main"), "id", UNKNOWN)
    clerk, booking = one(scene, "clerk-version"), one(scene, "booking-version")
    queue = one(scene, "queue-events")
    scene = put(
        put(put(scene, database), drawing(clerk, "bindings", database)), drawing(booking, "bindings", database, queue)
    )
    assert found(FOREIGN, *scene) == []
    assert found(NOT_GRANTED, *scene) == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "source",
    [
        THEIRS,
        make_seen(t.WORKERS_KV_NAMESPACE, title="harbor-production-kv-sessions"),
        make_seen(t.R2_BUCKET, name="harbor-development-r2-transcripts"),
        make_seen(t.QUEUE, queueName="harbor-pr-42-queue-events"),
        make_seen(t.WORKER, name="harbor-production-worker-web"),
        make_seen(t.WORKERS_SCRIPT, scriptName="corner-staging-worker-shop"),
    ],
)
def test_what_is_read_from_another_stage_is_not_bound(source: Seen, view: str) -> None:
    scene = staging(view)
    clerk = changed(one(scene, "clerk-version"), "bindings", UNKNOWN)
    assert len(found(FOREIGN, *put(scene, drawing(clerk, "bindings", source)), source)) == 1


def test_a_secret_of_the_account_is_the_stages_by_its_name() -> None:
    kept = make_seen(t.SECRETS_STORE_SECRET, name="harbor-staging-key", storeId="store", value="canary")
    bound = {"name": "KEY", "type": "secrets_store_secret", "storeId": "store", "secretName": "harbor-staging-key"}
    probe = make_seen(t.WORKERS_SCRIPT, scriptName="harbor-staging-worker-probe", bindings=[bound])
    assert found(FOREIGN, kept, probe) == []
    assert found(FOREIGN, changed(kept, "storeId", UNKNOWN), probe) == []
    assert found(FOREIGN, kept, changed(probe, "bindings.0.storeId", UNKNOWN)) == []
    for broken in (
        [kept, changed(probe, "bindings.0.storeId", "other")],
        [kept, changed(probe, "bindings.0.secretName", "harbor-production-key")],
        [changed(kept, "name", "shared-key"), changed(probe, "bindings.0.secretName", "shared-key")],
        [probe],
    ):
        (message,) = found(FOREIGN, *broken)
        assert "canary" not in message


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("version", "binding", "change"),
    [
        ("booking-version", "LEDGER", {"className": "Conversation"}),
        ("booking-version", "LEDGER", {"scriptName": "harbor-staging-worker-assistant"}),
        ("booking-version", "LEDGER", {"scriptName": "harbor-production-worker-booking"}),
        ("booking-version", "LEDGER", {"className": ...}),
        ("booking-version", "LEDGER", {"className": UNKNOWN, "scriptName": "harbor-staging-worker-assistant"}),
        ("booking-version", "LEDGER", {"className": "Conversation", "scriptName": UNKNOWN}),
        ("clerk-version", "ROOM", {"type": "durable_object_namespace", "className": "Conversation"}),
        (
            "clerk-version",
            "ROOM",
            {
                "type": "Durable_Object_Namespace",
                "className": "Conversation",
                "scriptName": "harbor-staging-worker-assistant",
            },
        ),
    ],
)
def test_durable_objects_are_reached_by_their_own_worker(
    version: str, binding: str, change: dict[str, Any], view: str
) -> None:
    scene = staging(view)
    broken = rebound(one(scene, version), binding, **change)
    (message,) = found(OBJECTS, *put(scene, broken))
    assert binding in message
    script = _as_script(broken, f"harbor-staging-worker-{version.removesuffix('-version')}")
    for type_ in (t.WORKERS_SCRIPT, t.WORKER_SCRIPT):
        assert len(found(OBJECTS, *scene, replace(script, type=type_))) == 1


def test_a_worker_may_bind_every_class_it_owns() -> None:
    scene = staging()
    again = rebound(one(scene, "booking-version"), "AGAIN", type="durable_object_namespace", className="BookingLedger")
    assert found(OBJECTS, *put(scene, again)) == []
    assert len(found(NOT_GRANTED, *put(scene, again))) == 1
    scene, world = VIEWS["up"]("tower", "staging"), make_world("staging", of=SHARED)
    own = rebound(one(scene, "back-version"), "OWN", type="durable_object_namespace", className="Room")
    assert found(OBJECTS, *put(scene, own), world=world) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("migrations", {"transferredClasses": [{"from": "A", "fromScript": "harbor-production-worker-booking"}]}),
        ("migrations", {"steps": [{"transferredClasses": [{"fromScript": "harbor-staging-worker-assistant"}]}]}),
        ("exports.Room", {"type": "durable-object", "state": "expecting-transfer", "transferFrom": "theirs"}),
        ("exports.Room", {"type": "durable-object", "state": "transferred", "transferredTo": "theirs"}),
    ],
)
def test_no_worker_takes_over_the_objects_of_another(path: str, value: Any) -> None:
    scene = staging()
    booking = one(scene, "booking-version")
    assert found(OBJECTS, *put(scene, changed(booking, path, {"type": "durable-object", "storage": "sqlite"}))) == []
    assert found(OBJECTS, *put(scene, changed(booking, path.partition(".")[0], UNKNOWN))) == []
    assert len(found(OBJECTS, *put(scene, changed(booking, path, value)))) == 1
