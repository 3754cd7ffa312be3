"""What an engine that knows nothing of a resource is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.providers.cloudflare_remote import CloudflareRemote, cloudflare_remotes
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.registry import TABLES
from bulkhead.resources import types as t
from bulkhead.resources.permissions import D1_READ
from tests.localclouds.cloudflare.api.workers import made
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api

CALLER = Caller("staging", "cloudflare", {"apiToken": TOKEN})
IMPORTS: Mapping[str, tuple[dict[str, Any], str]] = {
    t.ACCOUNT_TOKEN: (
        {
            "name": "deploy",
            "policies": [
                {
                    "effect": "allow",
                    "permissionGroups": [{"id": D1_READ.id}],
                    "resources": f'{{"com.cloudflare.api.account.{ACCOUNT}":"*"}}',
                }
            ],
        },
        "{account}/{id}",
    ),
    t.D1_DATABASE: ({"name": "main"}, "{account}/{id}"),
    t.QUEUE: ({"queueName": "events"}, "{account}/{id}"),
    t.R2_BUCKET: ({"name": "transcripts"}, "{account}/transcripts/default"),
    t.WORKER: ({"name": "web"}, "{account}/{id}"),
    t.WORKERS_KV_NAMESPACE: ({"title": "t"}, "{account}/{id}"),
    t.ZERO_TRUST_ACCESS_POLICY: (
        {"name": "people", "decision": "allow", "includes": [{"emailDomain": {"domain": "harbor.example"}}]},
        "{account}/{id}",
    ),
}


@pytest.fixture
def types(tmp_path: Path) -> dict[str, CloudflareRemote]:
    return cloudflare_remotes(f"http://127.0.0.1{PREFIX}", open_api(tmp_path).transport())


def test_every_type_of_cloudflare_s_is_reached(types: dict[str, CloudflareRemote]) -> None:
    assert types.keys() == TABLES["cloudflare"].keys()


@pytest.mark.parametrize("type_", IMPORTS)
def test_what_import_is_given_finds_the_resource(types: dict[str, CloudflareRemote], type_: str) -> None:
    inputs, reference = IMPORTS[type_]
    made = types[type_].create(CALLER, {"accountId": ACCOUNT, **inputs})
    found = types[type_].read(CALLER, reference.format(account=ACCOUNT, id=made.id), {}, {})
    assert found is not None
    assert found.id == made.id
    assert found.inputs == {"accountId": ACCOUNT, **inputs}
    assert types[type_].read(
        CALLER, reference.format(account=ACCOUNT, id="none").replace("transcripts", "x"), {}, {}
    ) is (None)


def test_the_defaults_of_the_plugins_schema_are_said_to_the_api(tmp_path: Path) -> None:
    """Source: r2_bucket/schema.go, worker/schema.go of the provider that the plugin is built from."""
    api = open_api(tmp_path)
    types = cloudflare_remotes(f"http://127.0.0.1{PREFIX}", api.transport())
    bucket = types[t.R2_BUCKET].create(CALLER, {"accountId": ACCOUNT, "name": "transcripts"})
    worker = types[t.WORKER].create(CALLER, {"accountId": ACCOUNT, "name": "web"})
    asked = {call.route.rpartition("/")[2]: call.members.split() for call in api.journal if call.method == "POST"}
    assert asked["buckets"] == ["name", "storageClass"]
    assert {"logpush", "name", "observability.logs.persist", "subdomain.enabled"} <= set(asked["workers"])
    where = {"accountId": ACCOUNT, "bucketName": "transcripts"}
    domain = types[t.R2_MANAGED_DOMAIN].create(CALLER, {**where, "enabled": False})
    assert (bucket.inputs, worker.inputs) == (
        {"accountId": ACCOUNT, "name": "transcripts"},
        {"accountId": ACCOUNT, "name": "web"},
    )
    assert domain.outputs["jurisdiction"] == "default"


def test_an_import_lacks_what_the_api_never_tells(types: dict[str, CloudflareRemote]) -> None:
    made = types[t.D1_DATABASE].create(CALLER, {"accountId": ACCOUNT, "name": "main", "primaryLocationHint": "apac"})
    found = types[t.D1_DATABASE].read(CALLER, f"{ACCOUNT}/{made.id}", {}, {})
    assert found is not None
    assert "primaryLocationHint" not in {**found.inputs, **found.outputs}


def test_the_dates_of_a_schedule_are_no_inputs_of_an_import(tmp_path: Path) -> None:
    api = open_api(tmp_path)
    made(api)
    cron = cloudflare_remotes(f"http://127.0.0.1{PREFIX}", api.transport())[t.WORKERS_CRON_TRIGGER]
    inputs = {"accountId": ACCOUNT, "scriptName": "web", "schedules": [{"cron": "0 * * * *"}]}
    cron.create(CALLER, inputs)
    found = cron.read(CALLER, f"{ACCOUNT}/web", {}, {})
    assert found is not None
    assert found.inputs == inputs


def test_a_reference_of_another_form_finds_nothing(types: dict[str, CloudflareRemote]) -> None:
    assert types[t.D1_DATABASE].read(CALLER, "main", {}, {}) is None
