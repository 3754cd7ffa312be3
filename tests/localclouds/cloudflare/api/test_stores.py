"""Stores over HTTP: made, listed, shown, changed, removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cloudflare_api import ACCOUNT, Api

ROOT = f"/accounts/{ACCOUNT}"
BUCKETS = f"{ROOT}/r2/buckets"
LIFETIME = {
    "rules": [
        {
            "id": "old",
            "enabled": True,
            "conditions": {"prefix": "reports/"},
            "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 86400}},
        }
    ]
}


@pytest.mark.parametrize(
    ("collection", "body", "id_", "change", "changed"),
    [
        ("d1/database", {"name": "main"}, "uuid", "PUT", {"read_replication": {"mode": "auto"}}),
        ("storage/kv/namespaces", {"title": "sessions"}, "id", "PUT", {"title": "renamed"}),
        ("queues", {"queue_name": "events"}, "queue_id", "PUT", {"settings": {"delivery_delay": 5}}),
    ],
)
def test_the_life_of_a_store(
    api: Api, collection: str, body: dict[str, Any], id_: str, change: str, changed: dict[str, Any]
) -> None:
    path = f"{ROOT}/{collection}"
    made = api.result("POST", path, body)
    item = f"{path}/{made[id_]}"
    assert body.items() <= made.items()
    assert api.result("GET", item) == made
    assert api.result("GET", path) == [made]
    after = api.result(change, item, body | changed)
    for name, value in changed.items():
        assert value == after[name] or value.items() <= after[name].items()
    api.result("DELETE", item)
    assert api.refused("GET", item)[0] == 404
    assert api.refused("DELETE", item)[0] == 404
    assert api.result("GET", path) == []


def test_a_name_that_is_taken_is_refused(api: Api) -> None:
    api.result("POST", f"{ROOT}/d1/database", {"name": "main"})
    assert api.refused("POST", f"{ROOT}/d1/database", {"name": "main"})[0] == 400


def test_databases_are_found_by_name(api: Api) -> None:
    for name in ("main", "other"):
        api.result("POST", f"{ROOT}/d1/database", {"name": name})
    assert [one["name"] for one in api.result("GET", f"{ROOT}/d1/database?name=other")] == ["other"]


def test_a_list_comes_in_pages(api: Api) -> None:
    for number in range(5):
        api.result("POST", f"{ROOT}/queues", {"queue_name": f"q{number}"})
    _, answer = api.call("GET", f"{ROOT}/queues?per_page=2&page=3")
    assert [one["queue_name"] for one in answer["result"]] == ["q4"]
    assert answer["result_info"] == {"page": 3, "per_page": 2, "count": 1, "total_count": 5, "total_pages": 3}
    assert api.refused("GET", f"{ROOT}/queues?page=x")[0] == 400


def test_a_bucket_is_named_and_spelt_as_r2_does(api: Api) -> None:
    made = api.result("POST", BUCKETS, {"name": "files", "locationHint": "apac", "storageClass": "InfrequentAccess"})
    assert made["storage_class"] == "InfrequentAccess"
    assert [one["name"] for one in api.result("GET", BUCKETS)["buckets"]] == ["files"]
    assert api.result("GET", f"{BUCKETS}/files") == made


def test_a_setting_of_a_bucket_needs_the_buckets_jurisdiction(api: Api) -> None:
    api.result("POST", BUCKETS, {"name": "files"}, cf_r2_jurisdiction="eu")
    assert api.refused("PUT", f"{BUCKETS}/files/lifecycle", LIFETIME)[1] == [10006]
    api.result("PUT", f"{BUCKETS}/files/lifecycle", LIFETIME, cf_r2_jurisdiction="eu")
    shown = api.result("GET", f"{BUCKETS}/files/lifecycle", cf_r2_jurisdiction="eu")
    assert shown["rules"] == LIFETIME["rules"]
