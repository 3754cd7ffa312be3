"""A queue that is consumed over HTTP: messages are lent, come back, and go for good."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from tests.localclouds.cloudflare.api.test_queue_messages import QUEUES, eventually, queue
from tests.support.cloudflare_api import Api


def pulled(api: Api, path: str, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.result("POST", f"{path}/messages/pull", body)["messages"]
    return found


def bodies(messages: list[dict[str, Any]]) -> list[Any]:
    return [json.loads(base64.b64decode(message["body"])) for message in messages]


def filled(api: Api, name: str, *messages: Any, **consumer: Any) -> str:
    """Return the path of a queue with messages that a client consumes."""
    path = queue(api, name)
    api.result("POST", f"{path}/consumers", {"type": "http_pull", **consumer})
    api.result("POST", f"{path}/messages/batch", {"messages": [{"body": body} for body in messages]})
    eventually(lambda: api.result("GET", f"{path}/metrics")["backlog_count"], len(messages))
    return path


@pytest.mark.slow
def test_what_is_lent_is_lent_once_and_gone_when_it_is_acknowledged(real_api: Api) -> None:
    path = filled(real_api, "lent", *range(6))
    first = pulled(real_api, path)
    assert bodies(first) == [0, 1, 2, 3, 4], "five, unless more are asked for"
    assert {message["attempts"] for message in first} == {1}
    assert 0 <= time.time() - first[0]["timestamp_ms"] / 1000 < 60
    assert bodies(pulled(real_api, path, batch_size=100)) == [5]
    assert pulled(real_api, path) == []
    leases = [{"lease_id": message["lease_id"]} for message in first]
    told = real_api.result(
        "POST", f"{path}/messages/ack", {"acks": leases[:3], "retries": [*leases[3:], {"lease_id": "none"}]}
    )
    assert (told["ackCount"], told["retryCount"], len(told["warnings"])) == (3, 2, 1)
    again = pulled(real_api, path)
    assert (bodies(again), {message["attempts"] for message in again}) == ([3, 4], {2})


@pytest.mark.slow
def test_what_is_not_acknowledged_comes_back_and_then_goes_where_dead_letters_go(real_api: Api) -> None:
    dead = queue(real_api, "dead")
    path = filled(real_api, "late", "one", dead_letter_queue="dead", settings={"max_retries": 2})
    (first,) = pulled(real_api, path, visibility_timeout_ms=100)
    assert pulled(real_api, path) == []
    time.sleep(0.2)
    (second,) = pulled(real_api, path, visibility_timeout=0)
    assert (second["id"], second["attempts"]) == (first["id"], 2)
    assert second["lease_id"] != first["lease_id"]
    assert pulled(real_api, path) == [], "it was delivered twice"
    eventually(lambda: real_api.result("GET", f"{dead}/metrics")["backlog_count"], 1)
    assert real_api.result("GET", f"{path}/metrics")["backlog_count"] == 0


@pytest.mark.slow
def test_a_late_acknowledgement_is_taken(real_api: Api) -> None:
    path = filled(real_api, "tardy", "one")
    (first,) = pulled(real_api, path, visibility_timeout_ms=0)
    assert len(pulled(real_api, path)) == 1
    real_api.result("POST", f"{path}/messages/ack", {"acks": [{"lease_id": first["lease_id"]}]})
    assert real_api.result("GET", f"{path}/metrics")["backlog_count"] == 0


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("pull", {"batch_size": 101}),
        ("pull", {"batch_size": True}),
        ("pull", {"visibility_timeout_ms": 43_200_001}),
        ("pull", {"visibility_timeout_ms": 1, "visibility_timeout": 1}),
        ("pull", {"wait": 1}),
        ("ack", {"acks": {}}),
        ("ack", {"acks": [{"lease_id": "a", "delay_seconds": 1}]}),
        ("ack", {"retries": [{"lease_id": "a", "delay_seconds": 43_201}]}),
        ("ack", {"retries": [{}]}),
        ("ack", {"nacks": []}),
    ],
)
def test_what_is_no_pull_and_no_acknowledgement_is_refused(api: Api, call: str, body: dict[str, Any]) -> None:
    path = queue(api, "events")
    api.result("POST", f"{path}/consumers", {"type": "http_pull"})
    assert api.refused("POST", f"{path}/messages/{call}", body) == (400, [10026])


@pytest.mark.parametrize("call", ["pull", "ack"])
def test_only_a_queue_whose_consumer_pulls_lends_messages(api: Api, call: str) -> None:
    status, answer = api.call("POST", f"{queue(api, 'events')}/messages/{call}", {})
    assert status == 400
    assert "no consumer of the type http_pull" in answer["errors"][0]["message"]
    assert api.refused("POST", f"{QUEUES}/none/messages/{call}", {}) == (404, [11000])
