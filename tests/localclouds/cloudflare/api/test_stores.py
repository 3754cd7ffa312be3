"""Stores over HTTP: made, listed, shown, changed, removed."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t
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


def test_a_change_by_put_keeps_only_what_cannot_change(api: Api) -> None:
    queue = api.result("POST", f"{ROOT}/queues", {"queue_name": "events", "settings": {"delivery_delay": 5}})
    item = f"{ROOT}/queues/{queue['queue_id']}"
    assert api.result("PUT", item, {"queue_name": "renamed"})["settings"]["delivery_delay"] == 0
    database = api.result("POST", f"{ROOT}/d1/database", {"name": "main", "jurisdiction": "eu"})
    changed = api.result("PUT", f"{ROOT}/d1/database/{database['uuid']}", {"read_replication": {"mode": "auto"}})
    assert changed == database | {"read_replication": {"mode": "auto"}}


def test_a_change_by_patch_keeps_the_rest(api: Api) -> None:
    queue = api.result("POST", f"{ROOT}/queues", {"queue_name": "events", "settings": {"delivery_delay": 5}})
    changed = api.result("PATCH", f"{ROOT}/queues/{queue['queue_id']}", {"settings": {"delivery_paused": True}})
    assert changed["queue_name"] == "events"
    assert changed["settings"] == queue["settings"] | {"delivery_paused": True}


def test_null_takes_away_what_was_set(api: Api) -> None:
    made = api.result("POST", f"{ROOT}/queues", {"queue_name": "events"})
    item = f"{ROOT}/queues/{made['queue_id']}"
    for method in ("PUT", "PATCH"):
        api.result(method, item, {"queue_name": "events", "settings": {"delivery_delay": 5}})
        api.result(method, item, {"queue_name": "events", "settings": None})
        assert api.result("GET", item)["settings"] == made["settings"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_databases_replication_is_never_null(api: Api, method: str) -> None:
    """The API refuses it (cloudflare/terraform-provider-cloudflare#6309), and shows it unasked."""
    path = f"{ROOT}/d1/database"
    made = api.result("POST", path, {"name": "main"})
    assert made["read_replication"] == {"mode": "disabled"}
    where = path if method == "POST" else f"{path}/{made['uuid']}"
    assert api.refused(method, where, {"name": "other", "read_replication": None}) == (400, [7400])


def test_what_cannot_change_is_refused(api: Api) -> None:
    made = api.result("POST", f"{ROOT}/d1/database", {"name": "main"})
    assert api.refused("PUT", f"{ROOT}/d1/database/{made['uuid']}", {"name": "other"}) == (400, [7400])


@pytest.mark.parametrize(
    ("collection", "body", "refused"),
    [
        ("d1/database", {"name": "main"}, (400, [7502])),
        ("storage/kv/namespaces", {"title": "sessions"}, (400, [10014])),
        ("r2/buckets", {"name": "files"}, (409, [10004])),
        ("queues", {"queue_name": "events"}, (409, [11009])),
    ],
)
def test_a_name_that_is_taken_is_refused(
    api: Api, collection: str, body: dict[str, Any], refused: tuple[int, list[int]]
) -> None:
    api.result("POST", f"{ROOT}/{collection}", body)
    assert api.refused("POST", f"{ROOT}/{collection}", body) == refused


def test_a_name_that_is_taken_by_no_program_is_not_said_to_be_of_one(api: Api) -> None:
    api.result("POST", BUCKETS, {"name": "files"})
    _, answer = api.call("POST", BUCKETS, {"name": "files"})
    assert answer["errors"][0]["message"] == "name 'files' is taken: environment 'staging' has it"


def test_nobody_waits_for_a_name_that_is_taken(api: Api) -> None:
    """The provider's plugin repeats a 409 for minutes unless the answer says that it is in vain."""
    api.result("POST", f"{ROOT}/queues", {"queue_name": "events"})
    assert api.answer("POST", f"{ROOT}/queues", {"queue_name": "events"}).headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("collection", "id_", "names", "refused"),
    [
        ("storage/kv/namespaces", "id", ({"title": "one"}, {"title": "two"}), (400, [10014])),
        ("queues", "queue_id", ({"queue_name": "one"}, {"queue_name": "two"}), (409, [11009])),
    ],
)
def test_nothing_is_renamed_to_a_name_that_is_taken(
    api: Api, collection: str, id_: str, names: tuple[dict[str, Any], dict[str, Any]], refused: tuple[int, list[int]]
) -> None:
    one, _ = (api.result("POST", f"{ROOT}/{collection}", name) for name in names)
    item = f"{ROOT}/{collection}/{one[id_]}"
    assert api.refused("PUT", item, names[1]) == refused
    assert api.result("PUT", item, names[0]).items() >= names[0].items(), "its own name it may keep"


@pytest.mark.parametrize(
    ("collection", "body", "code", "said"),
    [
        ("d1/database", {}, 7400, "name: required"),
        ("d1/database", {"name": ""}, 7400, "name: must be a name"),
        ("d1/database", {"name": 7}, 7400, "name: must be a string"),
        ("d1/database", {"name": "main", "primary_location_hint": "moon"}, 7400, "primary_location_hint: must be"),
        ("storage/kv/namespaces", {}, 10019, "title: required"),
        ("r2/buckets", {"name": "No"}, 10005, "name"),
        ("queues", {"queue_name": "-"}, 11003, "queue_name: must be"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused(
    api: Api, collection: str, body: dict[str, Any], code: int, said: str
) -> None:
    status, answer = api.call("POST", f"{ROOT}/{collection}", body)
    assert (status, answer["errors"][0]["code"]) == (400, code)
    assert said in answer["errors"][0]["message"]
    assert api.call("GET", f"{ROOT}/{collection}")[1]["result"] in ([], {"buckets": []})


@pytest.mark.parametrize(
    ("collection", "made", "id_", "body", "refused"),
    [
        ("storage/kv/namespaces", {"title": "sessions"}, "id", {}, (400, [10019])),
        ("workers/workers", {"name": "web"}, "id", {}, (400, [1000])),
    ],
)
def test_a_put_that_leaves_out_what_must_be_said_changes_nothing(
    api: Api, collection: str, made: dict[str, Any], id_: str, body: dict[str, Any], refused: tuple[int, list[int]]
) -> None:
    before = api.result("POST", f"{ROOT}/{collection}", made)
    item = f"{ROOT}/{collection}/{before[id_]}"
    assert api.refused("PUT", item, body) == refused
    assert api.result("GET", item).items() >= made.items()


def test_a_queue_keeps_its_name_when_a_put_does_not_say_it(api: Api) -> None:
    made = api.result("POST", f"{ROOT}/queues", {"queue_name": "events"})
    after = api.result("PUT", f"{ROOT}/queues/{made['queue_id']}", {"settings": {"delivery_delay": 5}})
    assert (after["queue_name"], after["settings"]["delivery_delay"]) == ("events", 5)


def test_a_list_is_filtered_and_sorted_as_it_is_asked_for(api: Api) -> None:
    for name in ("b", "c", "a"):
        api.result("POST", f"{ROOT}/queues", {"queue_name": name})
        api.result("POST", f"{ROOT}/storage/kv/namespaces", {"title": name})
    assert [one["queue_name"] for one in api.result("GET", f"{ROOT}/queues?name=a&name=b&page=1")] == ["b", "a"]
    assert api.result("GET", f"{ROOT}/queues?name=d") == []
    namespaces = f"{ROOT}/storage/kv/namespaces"
    assert [one["title"] for one in api.result("GET", f"{namespaces}?order=title")] == ["a", "b", "c"]
    assert [one["title"] for one in api.result("GET", f"{namespaces}?order=title&direction=desc")] == ["c", "b", "a"]
    assert api.refused("GET", f"{namespaces}?order=size")[0] == 400
    for collection in (namespaces, BUCKETS):
        assert api.refused("GET", f"{collection}?direction=up")[0] == 400


def test_buckets_are_listed_by_name_with_a_cursor(api: Api) -> None:
    for name in ("bbb", "ccc", "aaa", "ccd"):
        api.result("POST", BUCKETS, {"name": name})
    _, first = api.call("GET", f"{BUCKETS}?per_page=3")
    assert [one["name"] for one in first["result"]["buckets"]] == ["aaa", "bbb", "ccc"]
    _, second = api.call("GET", f"{BUCKETS}?per_page=3&cursor={first['result_info']['cursor']}")
    assert [one["name"] for one in second["result"]["buckets"]] == ["ccd"]
    assert "cursor" not in second["result_info"]
    found = api.result("GET", f"{BUCKETS}?name_contains=cc&direction=desc")["buckets"]
    assert [one["name"] for one in found] == ["ccd", "ccc"]
    assert api.refused("GET", f"{BUCKETS}?cursor=%21")[0] == 400


def test_a_bucket_changes_its_storage_class_by_a_header(api: Api) -> None:
    made = api.result("POST", BUCKETS, {"name": "files"}, cf_r2_jurisdiction="default")
    changed = api.result("PATCH", f"{BUCKETS}/files", cf_r2_storage_class="InfrequentAccess")
    assert changed == made | {"storage_class": "InfrequentAccess"}, "the plugin wants the same creation_date"
    assert api.answer("PATCH", f"{BUCKETS}/files", cf_r2_storage_class="Cold").status_code == 400
    assert api.refused("PATCH", f"{BUCKETS}/files")[0] == 400
    assert api.refused("PATCH", f"{BUCKETS}/files", {"storage_class": "Standard"})[0] == 400


def test_a_bucket_is_seen_in_its_own_jurisdiction_only(api: Api) -> None:
    api.result("POST", BUCKETS, {"name": "files"}, cf_r2_jurisdiction="eu")
    assert api.refused("GET", f"{BUCKETS}/files") == (404, [10006])
    assert api.result("GET", BUCKETS)["buckets"] == []
    assert api.result("GET", f"{BUCKETS}/files", cf_r2_jurisdiction="eu")["jurisdiction"] == "eu"


def test_a_bucket_has_settings_before_anybody_sets_them(api: Api) -> None:
    assert api.refused("GET", f"{BUCKETS}/files/lock") == (404, [10006])
    api.result("POST", BUCKETS, {"name": "files"})
    assert api.result("GET", f"{BUCKETS}/files/lock") == {"rules": []}
    (rule,) = api.result("GET", f"{BUCKETS}/files/lifecycle")["rules"]
    assert rule["abortMultipartUploadsTransition"]["condition"] == {"type": "Age", "maxAge": 604800}
    off = api.result("GET", f"{BUCKETS}/files/domains/managed")
    assert off == api.result("PUT", f"{BUCKETS}/files/domains/managed", {"enabled": True}) | {"enabled": False}
    assert api.refused("GET", f"{BUCKETS}/files/cors") == (404, [10059])
    assert api.refused("DELETE", f"{BUCKETS}/files/cors") == (404, [10059])


def test_a_rule_is_answered_as_it_was_sent(api: Api) -> None:
    api.result("POST", BUCKETS, {"name": "files"})
    rules = {"rules": [{"allowed": {"methods": ["GET"], "origins": ["https://example.com"]}, "maxAgeSeconds": 60}]}
    api.result("PUT", f"{BUCKETS}/files/cors", rules)
    assert api.result("GET", f"{BUCKETS}/files/cors") == rules, "an id that nobody gave is a difference to the plugin"
    api.result("DELETE", f"{BUCKETS}/files/cors")
    assert api.refused("GET", f"{BUCKETS}/files/cors") == (404, [10059])


def test_a_queue_shows_who_sends_and_who_takes(api: Api) -> None:
    made = api.result("POST", f"{ROOT}/queues", {"queue_name": "events"})
    assert (made["consumers"], made["consumers_total_count"], made["producers_total_count"]) == ([], 0, 0)
    worker(api, "clerk", [{"type": "queue", "name": "QUEUE", "queueName": "events"}])
    path = f"{ROOT}/queues/{made['queue_id']}/consumers"
    asked = {"type": "worker", "script_name": "clerk", "settings": {"batch_size": 3}}
    consumer = api.result("POST", path, asked)
    assert consumer.items() >= {"script": "clerk", "queue_name": "events", "script_name": "clerk"}.items()
    assert api.refused("POST", path, asked) == (400, [11004])
    assert api.result("GET", path) == [consumer]
    changed = api.result("PUT", f"{path}/{consumer['consumer_id']}", asked | {"settings": {"batch_size": 4}})
    assert changed == consumer | {"settings": {"batch_size": 4}}
    seen = api.result("GET", f"{ROOT}/queues/{made['queue_id']}")
    assert seen["consumers"] == [changed]
    assert seen["producers"] == [{"type": "worker", "script": "clerk"}]
    assert (seen["consumers_total_count"], seen["producers_total_count"]) == (1, 1)
    assert api.refused("DELETE", f"{ROOT}/queues/{made['queue_id']}") == (400, [11005])


def test_a_queue_that_is_not_there_has_no_consumers(api: Api) -> None:
    assert api.refused("GET", f"{ROOT}/queues/none/consumers") == (404, [11000])


def worker(api: Api, name: str, bindings: list[dict[str, Any]]) -> None:
    """Put a deployed Worker into the account, as another part of the API would."""
    caller = Caller("staging", "cloudflare", {})
    made = api.resources.create(caller, t.WORKER, "", {"accountId": ACCOUNT, "name": name})
    module = {"name": "index.js", "contentType": "application/javascript+module", "contentBase64": ""}
    inputs = {"accountId": ACCOUNT, "workerId": made.id, "modules": [module], "bindings": bindings, "deploy": True}
    version = Record(t.WORKER_VERSION, f"{name}-1", "staging", ACCOUNT, "", inputs, inputs)
    api.resources.store.put(version)
