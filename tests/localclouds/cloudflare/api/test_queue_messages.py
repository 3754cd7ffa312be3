"""What is in a queue over HTTP: sent, counted, purged, and delivered or not."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cloudflare_api import ACCOUNT, Api

QUEUES = f"/accounts/{ACCOUNT}/queues"
NAMESPACES = f"/accounts/{ACCOUNT}/storage/kv/namespaces"
# Writes down what it is given, one key for each message.
CLERK = """export default {
  fetch: () => new Response("clerk"),
  async queue({ messages }, env) {
    for (const { id, body } of messages) await env.KV.put(id, JSON.stringify(body));
  },
};"""


def queue(api: Api, name: str) -> str:
    return f"{QUEUES}/{api.result('POST', QUEUES, {'queue_name': name})['queue_id']}"


def clerk(api: Api) -> str:
    """Deploy the Worker; return where the keys of its namespace are listed."""
    namespace = api.result("POST", NAMESPACES, {"title": "received"})["id"]
    workers = f"/accounts/{ACCOUNT}/workers/workers"
    worker = api.result("POST", workers, {"name": "clerk"})
    content = base64.b64encode(CLERK.encode()).decode()
    version = {
        "main_module": "index.js",
        "modules": [{"name": "index.js", "content_type": "application/javascript+module", "content_base64": content}],
        "compatibility_date": "2026-07-01",
        "bindings": [{"type": "kv_namespace", "name": "KV", "namespace_id": namespace}],
    }
    api.result("POST", f"{workers}/{worker['id']}/versions?deploy=true", version)
    return f"{NAMESPACES}/{namespace}"


def eventually(look: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + 20
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)


@pytest.mark.slow
def test_what_nobody_consumes_waits_and_can_be_purged(real_api: Api) -> None:
    path = queue(real_api, "waiting")
    real_api.result("POST", f"{path}/messages", {"body": {"n": 1}, "content_type": "json"})
    batch = [{"body": "text", "content_type": "text"}, {"body": [2]}]
    real_api.result("POST", f"{path}/messages/batch", {"messages": batch})
    eventually(lambda: real_api.result("GET", f"{path}/metrics")["backlog_count"], 3)
    metrics = real_api.result("GET", f"{path}/metrics")
    assert metrics["backlog_bytes"] > 0
    assert 0 <= time.time() - metrics["oldest_message_timestamp_ms"] / 1000 < 60
    real_api.result("POST", f"{path}/purge", {"delete_messages_permanently": True})
    assert real_api.result("GET", f"{path}/metrics")["backlog_count"] == 0


@pytest.mark.slow
def test_a_pause_holds_messages_back_until_it_ends(real_api: Api) -> None:
    keys, path = f"{clerk(real_api)}/keys", queue(real_api, "paused")
    settings = {"batch_size": 1, "max_wait_time_ms": 0}
    consumer = {"type": "worker", "script_name": "clerk", "settings": settings}
    real_api.result("POST", f"{path}/messages", {"body": "before there was a consumer"})
    real_api.result("POST", f"{path}/consumers", consumer)
    eventually(lambda: len(real_api.result("GET", keys)), 1)

    status, answer = real_api.call("POST", f"{path}/purge", {"delete_messages_permanently": True})
    assert status == 400
    assert "pause its delivery first" in answer["errors"][0]["message"]

    real_api.result("PATCH", path, {"settings": {"delivery_paused": True}})
    for number in range(3):
        real_api.result("POST", f"{path}/messages", {"body": number})
    eventually(lambda: real_api.result("GET", f"{path}/metrics")["backlog_count"], 3)
    assert len(real_api.result("GET", keys)) == 1
    real_api.result("PATCH", path, {"settings": {"delivery_paused": False}})
    eventually(lambda: len(real_api.result("GET", keys)), 4)
    assert real_api.result("GET", f"{path}/metrics")["backlog_count"] == 0


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        ("messages", {}, (400, [10207])),
        ("messages", {"body": 1, "content_type": "text"}, (400, [10207])),
        ("messages", {"body": 1, "content_type": "v8"}, (400, [10207])),
        ("messages", {"body": 1, "colour": "blue"}, (400, [10207])),
        ("messages", {"body": 1, "delay_seconds": 43_201}, (400, [10207])),
        ("messages", {"body": "x" * 128_001, "content_type": "text"}, (413, [10207])),
        ("messages/batch", {"messages": []}, (400, [10026])),
        ("messages/batch", {"messages": [{"body": 1}] * 101}, (400, [10026])),
        ("messages/batch", {"messages": [{"body": "x" * 100_000}] * 3}, (413, [10207])),
        ("purge", {}, (400, [10026])),
    ],
)
def test_what_a_queue_does_not_take_is_refused(
    api: Api, path: str, body: dict[str, Any], refused: tuple[int, list[int]]
) -> None:
    assert api.refused("POST", f"{queue(api, 'events')}/{path}", body) == refused
