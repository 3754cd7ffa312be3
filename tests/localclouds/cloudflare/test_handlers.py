"""The resource types as the provider server drives them: the row, the real thing, and their end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare import disk
from bulkhead.localclouds.cloudflare.handlers import handlers
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.model.failures import Failed
from bulkhead.resources import types as t
from tests.localclouds.cloudflare.account import ACCOUNT, durable

pytestmark = pytest.mark.slow

CALLER = Caller("development", "cloudflare", {"apiToken": "worthless"})
HELLO = "export default { fetch: () => new Response('hello') }"
LEDGER = """
import { DurableObject } from "cloudflare:workers";
export class Ledger extends DurableObject {
  async fetch() { await this.ctx.storage.put("a", 1); return new Response("kept"); }
}
export default { fetch: (request, env) => env.LEDGER.get(env.LEDGER.idFromName("all")).fetch(request) };
"""


class Provider:
    """Creates and deletes as the provider server does, without the engine."""

    def __init__(self, cloud: LocalCloudflare, store: Store) -> None:
        self.cloud = cloud
        self.store = store
        self._registry = Registry(handlers({"development": cloud}.__getitem__))

    def create(self, token: str, **inputs: Any) -> Record:
        inputs = {"accountId": ACCOUNT, **inputs}
        return self._registry.handler(token).create(CALLER, self.store, f"urn:{token}", inputs)

    def update(self, record: Record, **inputs: Any) -> Record:
        handler = self._registry.handler(record.type)
        return handler.update(CALLER, self.store, record.id, {**record.inputs, **inputs})

    def delete(self, record: Record) -> None:
        self._registry.handler(record.type).delete(CALLER, self.store, record.id)

    def version(self, worker: Record, code: str, *bindings: dict[str, Any], **inputs: Any) -> Record:
        digest = self.cloud.uploads.keep(code.encode())
        module = {"name": "index.js", "contentType": "application/javascript+module", "contentSha256": digest}
        given = {"mainModule": "index.js", "modules": [module], "compatibilityDate": "2026-07-01"}
        return self.create(t.WORKER_VERSION, workerId=worker.id, bindings=list(bindings), **given, **inputs)

    def deployment(self, version: Record, worker: Record) -> Record:
        versions = [{"versionId": version.id, "percentage": 100}]
        name = worker.inputs["name"]
        return self.create(t.WORKERS_DEPLOYMENT, scriptName=name, strategy="percentage", versions=versions)

    def deployed(self, name: str, code: str, *bindings: dict[str, Any]) -> Record:
        worker = self.create(t.WORKER, name=name)
        self.deployment(self.version(worker, code, *bindings), worker)
        return worker


@pytest.fixture
def provider(cloud: LocalCloudflare, tmp_path: Path) -> Iterator[Provider]:
    store = Store(tmp_path / "store.sqlite")
    yield Provider(cloud, store)
    store.close()


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.05)


def files_with(cloud: LocalCloudflare, word: bytes) -> list[Path]:
    data = Path(cloud.client.call("state")["persist"])
    return [file for file in data.rglob("*") if file.is_file() and word in file.read_bytes()]


def test_a_worker_is_live_from_its_deployment_to_its_end(provider: Provider) -> None:
    worker = provider.create(t.WORKER, name="web")
    version = provider.version(worker, HELLO)
    with pytest.raises(Failed, match="no Worker web is deployed"):
        provider.cloud.client.fetch("web", "/")
    provider.deployment(version, worker)
    assert provider.cloud.client.fetch("web", "/").text == "hello"
    provider.delete(worker)
    with pytest.raises(Failed, match="no Worker web is deployed"):
        provider.cloud.client.fetch("web", "/")


def test_a_deployment_that_cannot_run_leaves_no_row_and_the_old_one_running(provider: Provider) -> None:
    worker = provider.deployed("web", HELLO)
    broken = provider.version(worker, "throw new Error('broken')")
    with pytest.raises(ApiRefusal, match="broken"):
        provider.deployment(broken, worker)
    assert len(provider.store.all(type_=t.WORKERS_DEPLOYMENT)) == 1
    assert provider.cloud.client.fetch("web", "/").text == "hello"
    provider.create(t.WORKERS_KV_NAMESPACE, title="later")
    assert provider.cloud.client.fetch("web", "/").text == "hello"


def test_a_version_that_deploys_itself_is_live_at_once(provider: Provider) -> None:
    worker = provider.create(t.WORKER, name="web")
    provider.version(worker, HELLO, deploy=True)
    assert provider.cloud.client.fetch("web", "/").text == "hello"


def test_a_version_with_an_unknown_binding_is_refused_before_anything_is_written(provider: Provider) -> None:
    worker = provider.create(t.WORKER, name="web")
    with pytest.raises(ApiRefusal, match="binding PG: type hyperdrive is not rehearsed"):
        provider.version(worker, HELLO, {"type": "hyperdrive", "name": "PG", "id": "1"})
    assert provider.store.all(type_=t.WORKER_VERSION) == []


def test_a_store_takes_its_data_along(provider: Provider) -> None:
    database = provider.create(t.D1_DATABASE, name="main")
    namespace = provider.create(t.WORKERS_KV_NAMESPACE, title="sessions")
    client = provider.cloud.client
    client.d1_query(database.id, "CREATE TABLE t (word TEXT); INSERT INTO t VALUES ('mark-0815')")
    client.kv_put(namespace.id, "a", "mark-0815")
    client.d1_bookmarks(database.id).mkdir(parents=True)
    disk.copy(client.d1_file(database.id), client.d1_bookmarks(database.id) / "a-bookmark.sqlite")
    assert len(files_with(provider.cloud, b"mark-0815")) > 2  # the bookmark is one of them
    provider.delete(database)
    provider.delete(namespace)
    eventually(lambda: not files_with(provider.cloud, b"mark-0815"))


def test_a_bucket_goes_only_when_it_is_empty_and_comes_back_empty(provider: Provider) -> None:
    bucket = provider.create(t.R2_BUCKET, name="files")
    client = provider.cloud.client
    client.r2_put("files", "a", "content")
    with pytest.raises(ApiRefusal, match=r"The bucket you tried to delete \(files\) is not empty"):
        provider.delete(bucket)
    assert client.r2_get("files", "a") == b"content"
    client.r2_delete("files", "a")
    provider.delete(bucket)
    provider.create(t.R2_BUCKET, name="files")
    assert client.r2_list("files") == []


def test_a_deleted_worker_takes_its_objects_along(provider: Provider) -> None:
    worker = provider.create(t.WORKER, name="web")
    binding = {"type": "durable_object_namespace", "name": "LEDGER", "className": "Ledger"}
    provider.version(worker, LEDGER, binding, exports=durable("Ledger"), deploy=True)
    client = provider.cloud.client
    assert client.fetch("web", "/").text == "kept"
    assert len(client.durable_objects("web", "Ledger")) == 1
    provider.delete(worker)
    eventually(lambda: client.durable_objects("web", "Ledger") == [])


def test_a_consumer_a_hostname_and_a_trigger_take_effect(provider: Provider) -> None:
    queue = provider.create(t.QUEUE, queueName="events")
    namespace = provider.create(t.WORKERS_KV_NAMESPACE, title="seen")
    code = """export default {
      fetch: () => new Response("hello"),
      queue: (batch, env) => env.KV.put("message", batch.messages[0].body),
      scheduled: (event, env) => env.KV.put("cron", event.cron),
    }"""
    provider.deployed("clerk", code, {"type": "kv_namespace", "name": "KV", "namespaceId": namespace.id})
    settings = {"batchSize": 1, "maxWaitTimeMs": 0}
    provider.create(t.QUEUE_CONSUMER, queueId=queue.id, scriptName="clerk", type="worker", settings=settings)
    provider.create(t.WORKERS_CRON_TRIGGER, scriptName="clerk", schedules=[{"cron": "0 * * * *"}])
    provider.create(t.WORKERS_CUSTOM_DOMAIN, hostname="clerk.example", service="clerk", zoneId="zone")
    client = provider.cloud.client
    client.queue_send("events", "came")
    eventually(lambda: client.kv_get(namespace.id, "message") == "came")
    assert client.scheduled("clerk", "0 * * * *") == "ok"
    assert client.kv_get(namespace.id, "cron") == "0 * * * *"
    assert client.visit("clerk.example", "/").text == "hello"


def test_a_route_comes_before_the_hostname_and_its_worker_reaches_that(provider: Provider) -> None:
    provider.deployed(
        "shop", "export default { fetch: (request) => new Response(`shop ${new URL(request.url).pathname}`) }"
    )
    front = "export default { fetch: async (request) => new Response(`front, ${await (await fetch(request)).text()}`) }"
    provider.deployed("front", front)
    provider.create(t.WORKERS_CUSTOM_DOMAIN, hostname="shop.example", service="shop", zoneId="zone")
    whole = provider.create(t.WORKERS_ROUTE, zoneId="zone", pattern="shop.example/*", script="front")
    apart = provider.create(t.WORKERS_ROUTE, zoneId="zone", pattern="shop.example/free*")
    client = provider.cloud.client
    eventually(lambda: client.visit("shop.example", "/a").text == "front, shop /a")
    assert client.visit("shop.example", "/free/b").text == "shop /free/b", "a more specific route lets it pass"
    assert client.egress() == []
    provider.delete(apart)
    eventually(lambda: client.visit("shop.example", "/free/b").text == "front, shop /free/b")
    provider.delete(whole)
    eventually(lambda: client.visit("shop.example", "/a").text == "shop /a")


def test_a_worker_before_a_hostname_reaches_nothing_outside(provider: Provider) -> None:
    provider.deployed("shop", HELLO)
    provider.deployed("front", "export default { fetch: () => fetch('https://elsewhere.example/') }")
    provider.create(t.WORKERS_CUSTOM_DOMAIN, hostname="shop.example", service="shop", zoneId="zone")
    provider.create(t.WORKERS_ROUTE, zoneId="zone", pattern="shop.example/*", script="front")
    eventually(lambda: provider.cloud.client.visit("shop.example", "/").status == 502)
    assert str(provider.cloud.client.egress()[0]).endswith("elsewhere.example/ (Worker front)")


def test_a_consumer_whose_worker_has_no_queue_handler_is_refused(provider: Provider) -> None:
    queue = provider.create(t.QUEUE, queueName="events")
    provider.deployed("web", HELLO)
    with pytest.raises(ApiRefusal, match=r"no queue\(\) handler"):
        provider.create(t.QUEUE_CONSUMER, queueId=queue.id, scriptName="web", type="worker")
    assert provider.store.all(type_=t.QUEUE_CONSUMER) == []


def test_a_worker_cannot_be_renamed(provider: Provider) -> None:
    worker = provider.deployed("web", HELLO)
    with pytest.raises(ApiRefusal, match="renaming a Worker is not rehearsed"):
        provider.update(worker, name="shop")


def test_workers_dev_follows_the_setting(provider: Provider) -> None:
    worker = provider.deployed("web", HELLO)
    provider.deployed("aaa", "export default { fetch: () => new Response('another') }")
    provider.update(worker, subdomain={"enabled": True})
    client = provider.cloud.client
    eventually(lambda: client.visit("web.rehearsal.workers.dev", "/").text == "hello")


def test_deployments_at_the_same_time_all_count(provider: Provider) -> None:
    names = [f"worker-{number}" for number in range(6)]
    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(lambda name: provider.deployed(name, HELLO.replace("hello", name)), names))
    assert [provider.cloud.client.fetch(name, "/").text for name in names] == names
