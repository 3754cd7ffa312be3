"""Cloudflare's official Python client, which nobody here wrote: what it would send, and what it reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.api.stores import ENDPOINTS
from bulkhead.resources import types as t
from tests.support.cloudflare_api import ACCOUNT, TOKEN, ZONE, Api

pytestmark = pytest.mark.slow  # the client takes a second to import

_AGE = {"condition": {"type": "Age", "maxAge": 86_400}}
# Of each type, an input of every kind that it has.
INPUTS: Mapping[str, dict[str, Any]] = {
    t.D1_DATABASE: {
        "name": "main",
        "jurisdiction": "eu",
        "primaryLocationHint": "weur",
        "readReplication": {"mode": "auto"},
    },
    t.WORKERS_KV_NAMESPACE: {"title": "sessions"},
    t.R2_BUCKET: {"name": "files", "location": "apac", "storageClass": "Standard", "jurisdiction": "default"},
    t.R2_BUCKET_LIFECYCLE: {
        "bucketName": "files",
        "rules": [
            {
                "id": "old",
                "enabled": True,
                "conditions": {"prefix": "a/"},
                "abortMultipartUploadsTransition": _AGE,
                "deleteObjectsTransition": {"condition": {"type": "Date", "date": "2027-01-01T00:00:00Z"}},
                "storageClassTransitions": [{**_AGE, "storageClass": "InfrequentAccess"}],
            }
        ],
    },
    t.R2_BUCKET_LOCK: {
        "bucketName": "files",
        "rules": [
            {"id": "a", "enabled": True, "prefix": "a/", "condition": {"type": "Age", "maxAgeSeconds": 60}},
            {"id": "b", "enabled": True, "condition": {"type": "Date", "date": "2027-01-01T00:00:00Z"}},
            {"id": "c", "enabled": False, "condition": {"type": "Indefinite"}},
        ],
    },
    t.R2_BUCKET_CORS: {
        "bucketName": "files",
        "rules": [
            {
                "id": "web",
                "allowed": {"methods": ["GET"], "origins": ["https://example.com"], "headers": ["x-id"]},
                "exposeHeaders": ["etag"],
                "maxAgeSeconds": 60,
            }
        ],
    },
    t.R2_MANAGED_DOMAIN: {"bucketName": "files", "enabled": True},
    t.QUEUE: {
        "queueName": "events",
        "settings": {"deliveryDelay": 1, "deliveryPaused": False, "messageRetentionPeriod": 60},
    },
    t.QUEUE_CONSUMER: {
        "queueId": "q",
        "type": "worker",
        "scriptName": "web",
        "deadLetterQueue": "failed",
        "settings": {"batchSize": 1, "maxConcurrency": 1, "maxRetries": 1, "maxWaitTimeMs": 1, "retryDelay": 1},
    },
}
# What the plugin sends besides, because it sends all it knows (terraform-provider-cloudflare v5.22, MarshalForUpdate).
BESIDE = {
    ("POST", t.QUEUE): {"settings"},
    ("PUT", t.D1_DATABASE): {"name", "jurisdiction", "primary_location_hint"},
}


def _models() -> Mapping[tuple[str, str], Any]:
    from cloudflare.types import d1, kv, queues  # noqa: PLC0415
    from cloudflare.types import r2 as r2_  # noqa: PLC0415
    from cloudflare.types.r2 import buckets  # noqa: PLC0415
    from cloudflare.types.r2.buckets import domains  # noqa: PLC0415

    return {
        ("POST", t.D1_DATABASE): d1.DatabaseCreateParams,
        ("PUT", t.D1_DATABASE): d1.DatabaseUpdateParams,
        ("POST", t.WORKERS_KV_NAMESPACE): kv.NamespaceCreateParams,
        ("PUT", t.WORKERS_KV_NAMESPACE): kv.NamespaceUpdateParams,
        ("POST", t.R2_BUCKET): r2_.BucketCreateParams,
        ("PUT", t.R2_BUCKET_LIFECYCLE): buckets.LifecycleUpdateParams,
        ("PUT", t.R2_BUCKET_LOCK): buckets.LockUpdateParams,
        ("PUT", t.R2_BUCKET_CORS): buckets.CORSUpdateParams,
        ("PUT", t.R2_MANAGED_DOMAIN): domains.ManagedUpdateParams,
        ("POST", t.QUEUE): queues.QueueCreateParams,
        ("PUT", t.QUEUE): queues.QueueUpdateParams,
        ("POST", t.QUEUE_CONSUMER): queues.ConsumerCreateParams,
        ("PUT", t.QUEUE_CONSUMER): queues.ConsumerUpdateParams,
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.type.kind)
def test_a_body_of_ours_is_one_that_the_official_client_knows(endpoint: Any) -> None:
    from tests.support.official import faults  # noqa: PLC0415

    inputs = {"accountId": ACCOUNT, **INPUTS[endpoint.type]}
    body = endpoint.request(inputs)
    elsewhere = frozenset({"account_id", "cf_r2_jurisdiction", *endpoint.parents, endpoint.id_in_path})
    methods = {endpoint.create} if endpoint.change_headers else {endpoint.create, endpoint.update}
    for method in methods:
        beside = BESIDE.get((method, endpoint.type), set())
        said = {name: value for name, value in body.items() if name not in beside}
        assert faults(_models()[method, endpoint.type], said, elsewhere) == []
    headers = endpoint.headers_for(inputs)
    path = {name: str(inputs[_camel(name)]) for name in endpoint.parents}
    assert endpoint.inputs(path, headers, body) == inputs, "what is sent is what is read"


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def test_an_invented_member_is_found() -> None:
    from tests.support.official import faults  # noqa: PLC0415

    model = _models()["POST", t.QUEUE_CONSUMER]
    body = {"type": "worker", "script_name": "web", "settings": {"batchSize": 1}}
    found = faults(model, body, frozenset({"account_id"}))
    assert found == ["body.settings.batchSize: the official client knows no such member"]
    assert faults(model, {"type": "worker"}, frozenset({"account_id"})) == ["body.script_name: is missing"]


def _with_client(api: Api, use: Callable[[Any], Awaitable[None]]) -> None:
    from cloudflare import AsyncCloudflare  # noqa: PLC0415

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api.app), trust_env=False) as http:
            url = f"http://local{PREFIX}"
            await use(AsyncCloudflare(api_token=TOKEN, base_url=url, http_client=http, max_retries=0))

    asyncio.run(run())


def test_the_official_client_makes_changes_and_removes_stores(api: Api) -> None:
    async def use(client: Any) -> None:
        account: dict[str, Any] = {"account_id": ACCOUNT}
        database = await client.d1.database.create(**account, name="main", jurisdiction="eu")
        replicated = await client.d1.database.update(database.uuid, **account, read_replication={"mode": "auto"})
        assert (replicated.name, replicated.jurisdiction) == ("main", "eu")
        assert replicated.read_replication.mode == "auto"
        assert [one.uuid async for one in client.d1.database.list(**account)] == [database.uuid]

        namespace = await client.kv.namespaces.create(**account, title="sessions")
        renamed = await client.kv.namespaces.update(namespace.id, **account, title="visits")
        assert (renamed.id, renamed.title, renamed.supports_url_encoding) == (namespace.id, "visits", True)
        assert [one.title async for one in client.kv.namespaces.list(**account, order="title")] == ["visits"]

        bucket = await client.r2.buckets.create(**account, name="files", location_hint="apac")
        colder = await client.r2.buckets.edit("files", **account, storage_class="InfrequentAccess")
        assert (colder.creation_date, colder.storage_class) == (bucket.creation_date, "InfrequentAccess")
        assert [one.name for one in (await client.r2.buckets.list(**account)).buckets] == ["files"]
        managed = await client.r2.buckets.domains.managed.update("files", **account, enabled=True)
        assert managed.bucket_id

        queue = await client.queues.create(**account, queue_name="events")
        paused = await client.queues.edit(queue.queue_id, **account, settings={"delivery_paused": True})
        assert (paused.queue_name, paused.settings.delivery_paused) == ("events", True)
        consumer = await client.queues.consumers.create(queue.queue_id, **account, type="http_pull")
        assert [one.type async for one in client.queues.consumers.list(queue.queue_id, **account)] == ["http_pull"]
        await client.queues.consumers.delete(consumer.consumer_id, **account, queue_id=queue.queue_id)
        assert [one.consumers_total_count async for one in client.queues.list(**account)] == [0]

        await client.queues.delete(queue.queue_id, **account)
        await client.r2.buckets.delete("files", **account)
        await client.kv.namespaces.delete(namespace.id, **account)
        await client.d1.database.delete(database.uuid, **account)

    _with_client(api, use)
    assert api.journal.unknown() == []


def test_the_official_client_sees_account_and_zone(api: Api) -> None:
    async def use(client: Any) -> None:
        assert [one.id async for one in client.accounts.list()] == [ACCOUNT]
        assert [one.name async for one in client.zones.list(name="example.com")] == ["example.com"]
        assert (await client.zones.get(zone_id=ZONE)).account.id == ACCOUNT
        assert (await client.cache.purge(zone_id=ZONE, hosts=["www.example.com"])).id == ZONE

    _with_client(api, use)
    assert [json.loads(call.note) for call in api.journal if call.note] == [{"hosts": ["www.example.com"]}]


def test_the_official_client_reads_and_writes_contents(real_api: Api) -> None:
    async def use(client: Any) -> None:
        account: dict[str, Any] = {"account_id": ACCOUNT}
        namespace = (await client.kv.namespaces.create(**account, title="official")).id
        values, spaces = client.kv.namespaces.values, client.kv.namespaces
        of: dict[str, Any] = {**account, "namespace_id": namespace}
        await values.update("a/b", **of, value=b"1", metadata=json.dumps({"by": "me"}))
        assert await (await values.get("a/b", **of)).read() == b"1"
        await spaces.bulk_update(namespace, **account, body=[{"key": f"many-{n:02}", "value": "1"} for n in range(12)])
        assert len([key.name async for key in spaces.keys.list(namespace, **account, limit=10)]) == 13
        deleted = await spaces.bulk_delete(namespace, **account, body=["many-00", "many-01"])
        assert deleted.successful_key_count == 2

        await client.r2.buckets.create(**account, name="official")
        objects, of = client.r2.buckets.objects, {**account, "bucket_name": "official"}
        for number in range(3):
            written = await objects.upload(f"key-{number}", b"content", **of)
            assert (written.key, written.size) == (f"key-{number}", "7")
        assert await (await objects.get("key-0", **of)).read() == b"content"
        assert [one.key async for one in objects.list("official", **account, per_page=2)] == ["key-0", "key-1", "key-2"]
        assert (await objects.delete("key-0", **of)).key == "key-0"

    _with_client(real_api, use)
