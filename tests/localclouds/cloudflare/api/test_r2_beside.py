"""Event notifications and hostnames of a bucket: kept, shown, refused where R2 would."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cloudflare_api import ACCOUNT, ZONE, Api

ROOT = f"/accounts/{ACCOUNT}"
EVENTS = f"{ROOT}/event_notifications/r2/files/configuration"
DOMAINS = f"{ROOT}/r2/buckets/files/domains/custom"
PUT = {"actions": ["PutObject"], "prefix": "a/"}


@pytest.fixture
def queue(api: Api) -> str:
    """Make a bucket and a queue; return where the rules between them are."""
    api.result("POST", f"{ROOT}/r2/buckets", {"name": "files"})
    made = api.result("POST", f"{ROOT}/queues", {"queue_name": "events"})
    return f"{EVENTS}/queues/{made['queue_id']}"


def test_a_rule_is_added_to_those_of_a_queue_and_taken_away(api: Api, queue: str) -> None:
    assert api.refused("GET", EVENTS) == (404, [11015])
    for rule in (PUT, {**PUT, "prefix": "b/", "description": "b"}):
        api.result("PUT", queue, {"rules": [rule]})
    listed = api.result("GET", EVENTS)
    (shown,) = listed["queues"]
    assert (listed["bucketName"], shown["queueName"]) == ("files", "events")
    assert [rule["prefix"] for rule in shown["rules"]] == ["a/", "b/"]
    assert api.result("GET", queue) == shown
    api.result("DELETE", queue, {"ruleIds": [shown["rules"][0]["ruleId"]]})
    assert [rule["prefix"] for rule in api.result("GET", queue)["rules"]] == ["b/"]
    assert api.refused("DELETE", queue, {"ruleIds": ["none"]}) == (404, [11011])
    api.result("DELETE", queue)
    assert api.refused("GET", queue) == (404, [11015])


@pytest.mark.parametrize(
    ("rule", "collides"),
    [
        ({**PUT, "prefix": ""}, True),
        ({**PUT, "prefix": "a/b/", "suffix": ".png"}, True),
        ({**PUT, "prefix": "b/"}, False),
        ({**PUT, "actions": ["DeleteObject"]}, False),
    ],
)
def test_no_object_matches_two_rules_of_one_action(api: Api, queue: str, rule: dict[str, Any], collides: bool) -> None:
    api.result("PUT", queue, {"rules": [PUT]})
    assert api.call("PUT", queue, {"rules": [rule]})[0] == (400 if collides else 200)


@pytest.mark.parametrize(
    "body", [{}, {"rules": [{}]}, {"rules": [{**PUT, "colour": 1}]}, {"rules": [{"actions": ["Get"]}]}, {"rules": 1}]
)
def test_rules_that_are_none_are_refused(api: Api, queue: str, body: dict[str, Any]) -> None:
    assert api.refused("PUT", queue, body)[0] == 400
    assert api.refused("GET", EVENTS) == (404, [11015])


def test_rules_go_with_their_queue_and_their_bucket(api: Api, queue: str) -> None:
    api.result("PUT", queue, {"rules": [PUT]})
    api.result("DELETE", f"{ROOT}/r2/buckets/files")
    assert api.refused("GET", EVENTS) == (404, [10006])
    api.result("POST", f"{ROOT}/r2/buckets", {"name": "files"})
    assert api.refused("GET", EVENTS) == (404, [11015])
    api.result("PUT", queue, {"rules": [PUT]})
    api.result("DELETE", f"{ROOT}/queues/{queue.rpartition('/')[2]}")
    assert api.refused("GET", EVENTS) == (404, [11015])
    assert api.refused("PUT", queue, {"rules": [PUT]}) == (404, [11000])


def test_the_life_of_a_hostname(api: Api, queue: str) -> None:
    asked = {"domain": "files.example.com", "zoneId": ZONE, "enabled": True}
    assert api.result("POST", DOMAINS, asked) == asked
    (domain,) = api.result("GET", DOMAINS)["domains"]
    assert domain == {**asked, "zoneName": "example.com", "status": {"ownership": "active", "ssl": "active"}}
    item = f"{DOMAINS}/files.example.com"
    api.result("PUT", item, {"minTLS": "1.2", "domain": "files.example.com"})
    assert api.refused("PUT", item, {"domain": "other.example.com"})[0] == 400
    assert api.result("GET", item) == {**domain, "minTLS": "1.2"}
    assert api.refused("POST", DOMAINS, asked)[0] == 409
    api.result("DELETE", item)
    assert api.refused("GET", item)[0] == 404
    assert api.result("GET", DOMAINS) == {"domains": []}


@pytest.mark.parametrize(
    "body",
    [
        {"domain": "files.example.com", "zoneId": "b" * 32, "enabled": True},
        {"domain": "files.example.net", "zoneId": ZONE, "enabled": True},
        {"domain": "files.example.com", "zoneId": ZONE},
        {"domain": "files.example.com", "zoneId": ZONE, "enabled": True, "minTLS": "0.9"},
        {"domain": "files.example.com", "zoneId": ZONE, "enabled": True, "colour": 1},
    ],
)
def test_a_hostname_that_cannot_be_is_refused(api: Api, queue: str, body: dict[str, Any]) -> None:
    assert api.refused("POST", DOMAINS, body)[0] == 400
    assert api.result("GET", DOMAINS) == {"domains": []}


def test_a_bucket_that_is_not_there_has_neither(api: Api) -> None:
    assert api.refused("GET", EVENTS) == (404, [10006])
    assert api.refused("GET", DOMAINS) == (404, [10006])
