"""Rules about where a Worker's bindings lead: into its own stage, and to objects of its own or granted ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from tests.support.policy_scene import changed, found, make_context, make_resource
from tests.support.stages import PRODUCTS
from tests.support.worker_scene import (
    FOREIGN,
    NOT_GRANTED,
    OBJECTS,
    SHARED,
    THEIRS,
    VIEWS,
    as_script,
    drawing,
    one,
    put,
    rebound,
    staging,
)

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
    script = as_script(broken, f"harbor-staging-worker-{version.removesuffix('-version')}")
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
    scene, context = VIEWS["first preview"]("second", "staging"), make_context("staging", of=PRODUCTS["second"])
    shop = one(scene, "shop-version")
    literal = drawing(rebound(shop, "ORDERS", databaseId="somebody"), "bindings", one(scene, "d1-catalogue"))
    (message,) = found(FOREIGN, *put(scene, literal), context=context)
    assert "ORDERS" in message
    (message,) = found(NOT_GRANTED, *put(scene, literal), context=context)
    assert "ORDERS" in message
    swapped = VIEWS["up"]("second", "staging")
    shop = one(swapped, "shop-version")
    turned = rebound(
        rebound(shop, "ORDERS", databaseId="staging-d1-catalogue-id"), "CATALOGUE", databaseId="staging-d1-orders-id"
    )
    assert found(FOREIGN, *put(swapped, turned), context=context) == []
    assert len(found(NOT_GRANTED, *put(swapped, turned), context=context)) == 2


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
        make_resource(t.WORKERS_KV_NAMESPACE, title="harbor-production-kv-sessions"),
        make_resource(t.R2_BUCKET, name="harbor-development-r2-transcripts"),
        make_resource(t.QUEUE, queueName="harbor-pr-42-queue-events"),
        make_resource(t.WORKER, name="harbor-production-worker-web"),
        make_resource(t.WORKERS_SCRIPT, scriptName="corner-staging-worker-shop"),
    ],
)
def test_what_is_read_from_another_stage_is_not_bound(source: ObservedResource, view: str) -> None:
    scene = staging(view)
    clerk = changed(one(scene, "clerk-version"), "bindings", UNKNOWN)
    assert len(found(FOREIGN, *put(scene, drawing(clerk, "bindings", source)), source)) == 1


def test_a_secret_of_the_account_is_the_stages_by_its_name() -> None:
    kept = make_resource(t.SECRETS_STORE_SECRET, name="harbor-staging-key", storeId="store", value="canary")
    bound = {"name": "KEY", "type": "secrets_store_secret", "storeId": "store", "secretName": "harbor-staging-key"}
    probe = make_resource(t.WORKERS_SCRIPT, scriptName="harbor-staging-worker-probe", bindings=[bound])
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
    script = as_script(broken, f"harbor-staging-worker-{version.removesuffix('-version')}")
    for type_ in (t.WORKERS_SCRIPT, t.WORKER_SCRIPT):
        assert len(found(OBJECTS, *scene, replace(script, type=type_))) == 1


def test_a_worker_may_bind_every_class_it_owns() -> None:
    scene = staging()
    again = rebound(one(scene, "booking-version"), "AGAIN", type="durable_object_namespace", className="BookingLedger")
    assert found(OBJECTS, *put(scene, again)) == []
    assert len(found(NOT_GRANTED, *put(scene, again))) == 1
    scene, context = VIEWS["up"]("tower", "staging"), make_context("staging", of=SHARED)
    own = rebound(one(scene, "back-version"), "OWN", type="durable_object_namespace", className="Room")
    assert found(OBJECTS, *put(scene, own), context=context) == []


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
