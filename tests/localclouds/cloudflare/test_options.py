from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare import options
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.handler import ApiRefusal
from bulkhead.localclouds.providers.store import Record
from tests.localclouds.cloudflare.account import Account, durable

CODE = "export default {}"
UPLOADS = Uploads(Path("/uploads"))
TODAY = "2026-07-30"


def built(account: Account) -> dict[str, Any]:
    return options.build(account.records, UPLOADS)


def worker(account: Account, name: str = "web") -> dict[str, Any]:
    return next(found for found in built(account)["workers"] if found["name"] == name)


def runs(account: Account, version: Record) -> bool:
    (module,) = worker(account)["bundle"]["modules"]
    return bool(module["file"] == f"/uploads/{version.inputs['modules'][0]['contentSha256']}")


def test_an_empty_account_runs_nothing() -> None:
    assert built(Account()) == {
        "workers": [],
        "stores": {"databases": [], "namespaces": [], "buckets": [], "queues": []},
        "held": [],
        "crons": {},
        "shares": {},
        "routes": [],
        "doors": {},
    }


def test_a_worker_gets_every_binding_the_engine_sent() -> None:
    account = Account()
    account.database("d1-id")
    account.namespace("kv-id")
    account.bucket("files")
    account.queue("events")
    account.deployed("other", CODE)
    account.deployed(
        "web",
        CODE,
        {"type": "d1", "name": "DB", "databaseId": "d1-id"},
        {"type": "kv_namespace", "name": "KV", "namespaceId": "kv-id"},
        {"type": "r2_bucket", "name": "FILES", "bucketName": "files"},
        {"type": "queue", "name": "EVENTS", "queueName": "events"},
        {"type": "service", "name": "OTHER", "service": "other"},
        {"type": "service", "name": "ADMIN", "service": "other", "entrypoint": "Admin"},
        {"type": "durable_object_namespace", "name": "LEDGER", "className": "Ledger"},
        {"type": "analytics_engine", "name": "METRICS", "dataset": "visits"},
        {"type": "ai", "name": "AI"},
        {"type": "plain_text", "name": "STAGE", "text": "development"},
        {"type": "secret_text", "name": "KEY", "text": "a secret"},
        {"type": "json", "name": "FLAGS", "json": '{"beta": true}'},
        {"type": "version_metadata", "name": "VERSION"},
        annotations={"workersTag": "abc"},
        exports=durable("Ledger"),
    )
    web = worker(account)
    assert web["d1Databases"] == {"DB": "d1-id"}
    assert web["kvNamespaces"] == {"KV": "kv-id"}
    assert web["r2Buckets"] == {"FILES": "files"}
    assert web["queueProducers"] == {"EVENTS": "events"}
    assert web["serviceBindings"] == {"OTHER": {"name": "other"}, "ADMIN": {"name": "other", "entrypoint": "Admin"}}
    assert web["durableObjects"] == {"LEDGER": {"className": "Ledger", "useSQLite": True}}
    assert web["analyticsEngineDatasets"] == {"METRICS": {"dataset": "visits"}}
    assert web["wrappedBindings"] == {"AI": "rehearsal-ai"}
    assert web["bindings"] == {
        "STAGE": "development",
        "KEY": "a secret",
        "FLAGS": {"beta": True},
        "VERSION": {"id": "version-3", "tag": "abc", "timestamp": "2026-07-02T03:04:05Z"},
    }


def test_a_worker_that_was_never_deployed_does_not_run() -> None:
    account = Account()
    account.version(account.worker("web"), CODE)
    assert built(account)["workers"] == []


def test_the_newest_deployment_says_which_version_is_live() -> None:
    account = Account()
    web = account.worker("web")
    first, second = account.version(web, CODE), account.version(web, f"{CODE};")
    account.deployment(web, (second, 100))
    account.deployment(web, (first, 100))
    assert runs(account, first)


def test_a_version_that_deploys_itself_is_live_until_a_deployment_comes_after_it() -> None:
    account = Account()
    web = account.worker("web")
    first = account.version(web, CODE)
    second = account.version(web, f"{CODE};", deploy=True)
    assert runs(account, second)
    account.deployment(web, (first, 100))
    assert runs(account, first)


def test_two_versions_are_behind_a_gate_and_share_what_the_objects_stored() -> None:
    account = Account()
    web = account.worker("web")
    room = {"type": "durable_object_namespace", "name": "ROOM", "className": "Room"}
    old, new = (account.version(web, CODE, room, exports=durable("Room")) for _ in range(2))
    account.deployed("desk", CODE, room | {"scriptName": "web"}, {"type": "service", "name": "WEB", "service": "web"})
    account.deployment(web, (new, 10), (old, 90))
    gate = worker(account)
    assert [one["id"] for one in gate["versions"]] == [old.id, new.id]
    assert built(account)["shares"] == {"web": {old.id: 90, new.id: 10}}
    where = {"className": "Room", "useSQLite": True, "unsafeUniqueKey": "web-Room"}
    elsewhere = where | {"scriptName": f"web@{old.id}"}
    assert [one["code"]["durableObjects"]["ROOM"] for one in gate["versions"]] == [where, elsewhere]
    desk = worker(account, "desk")
    assert desk["durableObjects"]["ROOM"] == elsewhere
    assert desk["serviceBindings"]["WEB"] == {"name": "web"}


def test_what_leads_nowhere_is_not_bound() -> None:
    account = Account()
    database = account.database("d1-id")
    other = account.deployed("other", CODE, exports=durable("Ledger"))
    account.deployed(
        "web",
        CODE,
        {"type": "d1", "name": "DB", "databaseId": "d1-id"},
        {"type": "service", "name": "OTHER", "service": "other"},
        {"type": "durable_object_namespace", "name": "LEDGER", "className": "Ledger", "scriptName": "other"},
    )
    web = worker(account)
    assert web["durableObjects"]["LEDGER"] == {"className": "Ledger", "useSQLite": True, "scriptName": "other"}
    account.remove(database)
    account.remove(other)
    assert not {"d1Databases", "serviceBindings", "durableObjects"} & worker(account).keys()


def test_a_class_without_a_binding_still_exists() -> None:
    account = Account()
    account.deployed("web", CODE, exports=durable("Ledger"))
    assert worker(account)["additionalUnboundDurableObjects"] == [{"className": "Ledger", "useSQLite": True}]
    assert worker(account)["requires"] == {"classes": ["Ledger"], "handlers": []}


def test_a_retired_class_is_not_bound_and_its_objects_are_to_go() -> None:
    account = Account()
    ledger = {"type": "durable_object_namespace", "name": "LEDGER", "className": "Ledger"}
    account.deployed("web", CODE, ledger, exports=durable(Ledger="deleted"))
    assert "durableObjects" not in worker(account)
    assert options.removals(account.records) == ["do/web-Ledger"]


def test_a_consumer_is_given_to_its_worker_with_its_settings() -> None:
    account = Account()
    events = account.queue("events")
    account.queue("failed")
    account.deployed("clerk", CODE)
    account.consumer(events, "clerk", "failed", batchSize=5, maxRetries=2, maxWaitTimeMs=1500, maxConcurrency=4)
    clerk = worker(account, "clerk")
    assert clerk["queueConsumers"] == {
        "events": {"maxBatchSize": 5, "maxBatchTimeout": 1.5, "maxRetries": 2, "deadLetterQueue": "failed"}
    }
    assert clerk["requires"]["handlers"] == ["queue"]
    assert built(account)["held"] == ["failed"]


def test_the_worker_of_the_shortest_hostname_comes_first() -> None:
    account = Account()
    account.deployed("api", CODE)
    account.deployed("internal", CODE)
    account.deployed("web", CODE)
    account.domain("api.shop.example", "api")
    account.domain("shop.example", "web")
    account.domain("www.shop.example", "web")
    assert [found["name"] for found in built(account)["workers"]] == ["web", "api", "internal"]
    assert worker(account)["routes"] == ["shop.example/*", "www.shop.example/*"]
    assert worker(account, "internal")["routes"] == []


def test_workers_dev_is_a_hostname_where_it_is_enabled() -> None:
    account = Account()
    web = account.worker("web", subdomain={"enabled": True})
    account.deployment(web, (account.version(web, CODE), 100))
    assert worker(account)["routes"] == ["web.rehearsal.workers.dev/*"]


def test_crons_are_those_of_the_trigger() -> None:
    account = Account()
    account.deployed("clerk", CODE)
    account.crons("clerk", "*/15 * * * *")
    assert built(account)["crons"] == {"clerk": ["*/15 * * * *"]}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"compatibilityDate": "2026-08-01"}, "2026-08-01 is newer than the workerd .* which knows 2026-07-30"),
        ({"migrations": {"newSqliteClasses": ["Ledger"]}}, "migrations is not rehearsed"),
        ({"containers": [{"name": "c"}]}, "containers is not rehearsed"),
        ({"exports": durable(Ledger="renamed")}, "export Ledger: its type or state is not rehearsed"),
    ],
)
def test_a_version_that_cannot_be_rehearsed_is_refused(inputs: dict[str, Any], said: str) -> None:
    account = Account()
    version = account.version(account.worker(), CODE, **inputs)
    with pytest.raises(ApiRefusal, match=said):
        options.check_version(version, TODAY)


def test_all_that_cannot_be_rehearsed_is_said_at_once() -> None:
    account = Account()
    version = account.version(
        account.worker(),
        CODE,
        {"type": "hyperdrive", "name": "PG", "id": "1"},
        {"type": "vectorize", "name": "VECTORS", "indexName": "v"},
    )
    with pytest.raises(ApiRefusal, match=r"PG: type hyperdrive is not rehearsed; .*VECTORS: type vectorize"):
        options.check_version(version, TODAY)


def test_a_version_that_can_be_rehearsed_passes() -> None:
    account = Account()
    version = account.version(account.worker(), CODE, exports=durable("Ledger"), compatibilityDate=TODAY)
    options.check_version(version, TODAY)
