from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.api.journal import Entry, members_of
from bulkhead.rehearsal import recording
from bulkhead.rehearsal.recording import Recording, by_route, differences
from bulkhead.resources import types as t
from bulkhead.resources.sentinels import SECRET, SIGNATURE

ROUTE = "/accounts/{account_id}/queues"
CALL = Entry("cloudflare", "POST", ROUTE, "/accounts/0123/queues", 200, members="queue_name settings.delivery_delay")
QUEUE = "staging urn:pulumi:staging::bulkhead::bulkhead:stage:Queue$cloudflare:index/queue:Queue::events"
OTHER = QUEUE.replace("::events", "::failed")
OWN = Recording(
    {"cloudflare POST /queues": ["queue_name"]}, {key: ["queueId", "settings.delay"] for key in (QUEUE, OTHER)}
)


def test_a_body_is_remembered_by_its_members_and_without_any_value() -> None:
    body = b'{"queue_name": "secret", "settings": {"delay": 5}, "bindings": [{"text": "secret"}, {"name": "A"}]}'
    assert members_of(body) == "bindings[].name bindings[].text queue_name settings.delay"
    assert members_of(b"") == members_of(b"plain") == members_of(b"{broken") == members_of(b"[" * 50_000) == ""
    assert members_of(b'{"a\\ud800": 1}') == "a?"


def test_all_calls_of_a_route_are_one_and_an_unknown_route_is_known_by_its_path() -> None:
    unknown = Entry("github", "GET", "", "/nowhere", 404)
    assert by_route([CALL, replace(CALL, members="queue_name"), unknown]) == {
        f"cloudflare POST {ROUTE}": ["queue_name", "settings.delivery_delay"],
        "github GET /nowhere": [],
    }


def test_equal_recordings_do_not_differ() -> None:
    assert differences(OWN, OWN) == []


def test_each_difference_says_on_which_side_it_is() -> None:
    real = Recording(
        {"cloudflare POST /queues": ["queue_name", "settings.delay"], "cloudflare GET /queues": []},
        {key: ["queueId"] for key in (QUEUE, OTHER)},
    )
    assert differences(OWN, real) == [
        "call cloudflare GET /queues: only with the real plugins",
        "call cloudflare POST /queues: only theirs ['settings.delay']",
        f"state of 2 cloudflare:index/queue:Queue, the first {QUEUE}: only ours ['settings.delay']",
    ]


def test_what_the_plugins_keep_in_their_own_way_is_no_difference() -> None:
    version = QUEUE.replace("cloudflare:index/queue:Queue", t.WORKER_VERSION)
    cron = QUEUE.replace("cloudflare:index/queue:Queue", t.WORKERS_CRON_TRIGGER)
    own = Recording({}, {version: ["bindings[].name", "number"], cron: ["schedules[].cron"], QUEUE: []})
    theirs = {version: ["bindings", "number"], cron: ["schedules[].createdOn", "schedules[].cron"]}
    real = Recording({}, {**theirs, QUEUE: ["bindings"]})
    assert differences(own, real) == [
        f"state of 1 cloudflare:index/queue:Queue, the first {QUEUE}: only theirs ['bindings']"
    ]


def test_what_says_nothing_of_a_resource_is_not_recorded() -> None:
    secret = {SIGNATURE: SECRET, "ciphertext": "v1:abc"}
    rules: dict[str, Any] = {"name": "a", "parameters": None, "__defaults": []}
    outputs = {"__meta": "{}", "id": "a", "value": secret, "etag": None, "rules": [rules], "name": ""}
    assert recording.told({"id": "a", "outputs": outputs}) == {"value": True, "rules": [{"name": "a"}], "name": ""}


def test_two_files_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = tmp_path / "own.json", tmp_path / "real.json"
    recording.write(one, OWN)
    recording.write(other, OWN)
    assert recording.main([str(one), str(other)]) == 0
    recording.write(other, replace(OWN, calls={}))
    assert recording.main([str(one), str(other)]) == 1
    assert "only with our own providers" in capsys.readouterr().out
