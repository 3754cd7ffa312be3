"""What `bulkhead adopt` asks, the local Cloudflare answers: what was made over HTTP is found by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.operations.adopt import Found, Wanted
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.resources import types as t
from infra.product import PRODUCT
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api
from tests.support.stages import render_stage

ROOT = f"/accounts/{ACCOUNT}"
# Of each type: where it is made, with what, by which property `adopt` knows it, and which member is its id.
STORES: Mapping[str, tuple[str, dict[str, Any], str, str]] = {
    t.D1_DATABASE: ("d1/database", {"name": "harbor-1"}, "name", "uuid"),
    t.WORKERS_KV_NAMESPACE: ("storage/kv/namespaces", {"title": "harbor-1"}, "title", "id"),
    t.QUEUE: ("queues", {"queue_name": "harbor-1"}, "queueName", "queue_id"),
    t.R2_BUCKET: ("r2/buckets", {"name": "harbor-1"}, "name", "name"),
}


@pytest.fixture
def finder(api: Api) -> CloudflareFinder:
    return CloudflareFinder(Rest(CLOUDFLARE, TOKEN, api.transport()))


def wanted(type_: str, **inputs: Any) -> Wanted:
    return Wanted(f"urn:{type_}", type_, "it", {"accountId": ACCOUNT, **inputs})


@pytest.mark.parametrize("type_", STORES)
def test_a_store_is_found_by_its_name(api: Api, finder: CloudflareFinder, type_: str) -> None:
    path, body, property_, id_ = STORES[type_]
    (named,) = body
    for number in range(120):  # more than a page
        api.result("POST", f"{ROOT}/{path}", {named: f"other-{number}"})
    made = api.result("POST", f"{ROOT}/{path}", body)
    suffix = "/default" if type_ == t.R2_BUCKET else ""
    found = Found(made[id_], f"{ACCOUNT}/{made[id_]}{suffix}")
    assert finder.find(wanted(type_, **{property_: "harbor-1"})) == found
    assert finder.find(wanted(type_, **{property_: "harbor"})) is None


def test_data_that_was_there_before_is_found_by_the_name_that_the_setting_gives(
    api: Api, finder: CloudflareFinder
) -> None:
    made = api.result("POST", f"{ROOT}/d1/database", {"name": "bookings"})
    api.result("POST", f"{ROOT}/d1/database", {"name": "harbor-production-d1-main"})
    changes = {"cloudflare": {"accountId": ACCOUNT}, "stores": {"databases": {"main": "bookings"}}}
    declared = render_stage(PRODUCT, "production", changes).one(t.D1_DATABASE)
    found = finder.find(Wanted(declared.urn, declared.type, declared.name, declared.inputs))
    assert found == Found(made["uuid"], f"{ACCOUNT}/{made['uuid']}")


def test_of_consumers_only_a_worker_is_in_the_way(api: Api, finder: CloudflareFinder) -> None:
    queue = api.result("POST", f"{ROOT}/queues", {"queue_name": "harbor-1"})["queue_id"]
    looked_for = wanted(t.QUEUE_CONSUMER, queueId=queue)
    assert finder.find(looked_for) is None
    api.result("POST", f"{ROOT}/queues/{queue}/consumers", {"type": "http_pull"})
    again = CloudflareFinder(Rest(CLOUDFLARE, TOKEN, api.transport()))
    assert again.find(looked_for) is None


def test_everything_that_was_asked_for_has_a_route(api: Api, finder: CloudflareFinder) -> None:
    for type_, (_, _, property_, _) in STORES.items():
        finder.find(wanted(type_, **{property_: "harbor-1"}))
    assert api.journal.unknown() == []
