from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.providers import planning
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.wire import UNKNOWN

ACCOUNT = "0123456789abcdef0123456789abcdef"
D1 = "cloudflare:index/d1Database:D1Database"
KV = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
BUCKET = "cloudflare:index/r2Bucket:R2Bucket"
LIFECYCLE = "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle"
QUEUE = "cloudflare:index/queue:Queue"
CONSUMER = "cloudflare:index/queueConsumer:QueueConsumer"
WORKER = "cloudflare:index/worker:Worker"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
DEPLOYMENT = "cloudflare:index/workersDeployment:WorkersDeployment"
CRON = "cloudflare:index/workersCronTrigger:WorkersCronTrigger"
DOMAIN = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
SQLITE = {"type": "durable-object", "storage": "sqlite"}


class Account:
    """Makes resources in one account by their smallest good inputs; a keyword changes or adds one."""

    def __init__(self, resources: Resources, bundle: Path, environment: str = "staging", id_: str = ACCOUNT) -> None:
        self.resources = resources
        self.bundle = bundle
        self.caller = Caller(environment, "cloudflare", {})
        self.id = id_

    def make(self, token: str, **inputs: Any) -> Record:
        whole = {"accountId": self.id, **inputs}
        planned, faults = planning.check(token, whole)
        assert faults == []
        return self.resources.create(self.caller, token, f"urn:{token}", planned)

    def worker(self, name: str = "web", **more: Any) -> Record:
        return self.make(WORKER, name=name, **more)

    def version(self, worker: Record, **more: Any) -> Record:
        return self.make(VERSION, workerId=worker.id, **self.code(), **more)

    def deployed(self, name: str = "web", **more: Any) -> Record:
        worker = self.worker(name)
        self.version(worker, deploy=True, **more)
        return worker

    def code(self) -> dict[str, Any]:
        module = {"name": "index.js", "contentType": "application/javascript+module", "contentFile": str(self.bundle)}
        return {"mainModule": "index.js", "modules": [module], "compatibilityDate": "2026-07-01"}

    def delete(self, record: Record) -> None:
        self.resources.delete(self.caller, record.type, record.id)


@pytest.fixture
def account(resources: Resources, bundle: Path) -> Account:
    return Account(resources, bundle)


def good(bundle: Path) -> Mapping[str, dict[str, Any]]:
    age = {"condition": {"type": "Age", "maxAge": 86_400}}
    rule = {"id": "a", "enabled": True, "conditions": {"prefix": ""}, "deleteObjectsTransition": age}
    binding = {"name": "DB", "type": "d1", "databaseId": "x"}
    module = {"name": "index.js", "contentType": "application/javascript+module", "contentFile": str(bundle)}
    return {
        D1: {"name": "main", "readReplication": {"mode": "disabled"}, "primaryLocationHint": "apac"},
        KV: {"title": "sessions"},
        BUCKET: {"name": "transcripts", "location": "apac"},
        LIFECYCLE: {"bucketName": "transcripts", "rules": [rule]},
        QUEUE: {"queueName": "events", "settings": {"deliveryDelay": 0}},
        CONSUMER: {"queueId": "q", "type": "worker", "scriptName": "web", "settings": {"batchSize": 10}},
        WORKER: {"name": "web", "observability": {"headSamplingRate": 1}},
        VERSION: {
            "workerId": "w",
            "mainModule": "index.js",
            "modules": [module],
            "compatibilityDate": "2026-07-01",
            "bindings": [binding],
            "exports": {"Room": SQLITE},
        },
        DEPLOYMENT: {"scriptName": "w", "strategy": "percentage", "versions": [{"versionId": "v", "percentage": 100}]},
        CRON: {"scriptName": "web", "schedules": [{"cron": "*/15 * * * *"}]},
        DOMAIN: {"hostname": "www.example.com", "service": "web", "zoneId": "z"},
        ROUTE: {"pattern": "www.example.com/*", "script": "web", "zoneId": "z"},
    }


def placed(token: str) -> dict[str, str]:
    """Return the input that says whose a resource is: a route says its zone."""
    return {} if token == ROUTE else {"accountId": ACCOUNT}


def test_the_good_inputs_are_good(bundle: Path) -> None:
    for token, inputs in good(bundle).items():
        assert planning.check(token, {**placed(token), **inputs})[1] == []


@pytest.mark.parametrize(
    ("token", "change", "fault"),
    [
        (
            VERSION,
            {"bindings": [{"type": "secret_text", "name": "KEY", "text": "x" * 5121}]},
            "bindings[0].text: has 5121 bytes, and at most 5120 are taken [code: 10054]",
        ),
        (
            VERSION,
            {"bindings": [{"type": "plain_text", "name": f"V{n}", "text": ""} for n in range(129)]},
            "bindings: has 129 items, and at most 128 are taken [code: 10055]",
        ),
        (
            VERSION,
            {"compatibilityDate": "2099-01-01"},
            "compatibilityDate: Can't set compatibility date in the future: 2099-01-01 [code: 10021]",
        ),
        (D1, {"primaryLocationHint": "tokyo"}, "primaryLocationHint: must be one of wnam, enam, weur, eeur, apac, oc"),
        (D1, {"readReplication": {"mode": "on"}}, "readReplication.mode: must be one of auto, disabled"),
        (BUCKET, {"name": "My_Bucket"}, "name: must be 3 to 63 lower-case letters, digits and hyphens"),
        (BUCKET, {"storageClass": "Cold"}, "storageClass: must be one of Standard, InfrequentAccess"),
        (
            LIFECYCLE,
            {
                "rules": [
                    {
                        "id": "a",
                        "enabled": True,
                        "conditions": {"prefix": ""},
                        "deleteObjectsTransition": {"condition": {"type": "Age"}},
                    }
                ]
            },
            "rules[0].deleteObjectsTransition.condition.maxAge: required by type Age, and is missing",
        ),
        (QUEUE, {"queueName": "Events"}, "queueName: must be 1 to 63 lower-case letters, digits and hyphens"),
        (CONSUMER, {"type": "worker", "scriptName": None}, "scriptName: required by type worker, and is missing"),
        (CONSUMER, {"settings": {"batchSize": 101}}, "settings.batchSize: must be from 1 to 100"),
        (WORKER, {"name": "web.site"}, "name: must be 1 to 63 lower-case letters, digits, - and _"),
        (WORKER, {"observability": {"headSamplingRate": 100}}, "observability.headSamplingRate: must be from 0 to 1"),
        (VERSION, {"mainModule": "main.js"}, "mainModule: none of the modules is called main.js"),
        (VERSION, {"compatibilityDate": "today"}, "compatibilityDate: must be a date as 2026-07-01"),
        (
            VERSION,
            {"bindings": [{"name": "DB", "type": "d1"}]},
            "bindings[0].databaseId: required by type d1, and is missing",
        ),
        (
            VERSION,
            {"bindings": [{"name": "A", "type": "plain_text", "text": "", "queueName": "q"}]},
            "bindings[0].queueName: does not belong to type plain_text",
        ),
        (
            VERSION,
            {"bindings": [{"name": "A", "type": "ai"}, {"name": "A", "type": "version_metadata"}]},
            "bindings[1].name: is the same as bindings[0].name, and both would be one thing",
        ),
        (VERSION, {"bindings": [{"name": "A", "type": "json", "json": "{"}]}, "bindings[0].json: is not valid JSON"),
        (VERSION, {"annotations": {"workersTag": "x" * 101}}, "annotations.workersTag: must be at most 100 bytes"),
        (
            VERSION,
            {"exports": {"Room": {"type": "durable-object"}}},
            "exports.Room.storage: required for a class that is alive",
        ),
        (
            VERSION,
            {"exports": {"Old": {"type": "durable-object", "state": "renamed", "renamedTo": "New"}}},
            "exports.Old.renamedTo: must name a class that is alive in the same exports",
        ),
        (
            VERSION,
            {"migrations": {"newTag": "v1"}},
            "at most one of exports, migrations must be given, and there are exports and migrations",
        ),
        (VERSION, {"modules": []}, "mainModule: none of the modules is called index.js"),
        (DEPLOYMENT, {"strategy": "all"}, "strategy: must be one of percentage"),
        (
            DEPLOYMENT,
            {"versions": [{"versionId": "v", "percentage": 90}, {"versionId": "w", "percentage": 5}]},
            "versions[*].percentage: must add up to 100, and add up to 95",
        ),
        (
            DEPLOYMENT,
            {"versions": [{"versionId": "v", "percentage": 100}, {"versionId": "w", "percentage": 0}]},
            "versions[1].percentage: must be from 0.01 to 100",
        ),
        (
            CRON,
            {"schedules": [{"cron": "hourly"}]},
            "schedules[0].cron: invalid cron string: does not have the five fields minute hour day month weekday "
            "[code: 10100]",
        ),
        (DOMAIN, {"hostname": "*.example.com"}, "hostname: must be a full hostname without wildcards"),
        (ROUTE, {"pattern": "example.com/*/a"}, "pattern: a wildcard in a path stands at its end"),
        (ROUTE, {"pattern": "*/a?b"}, "pattern: has a query, which no route can ask for [code: 10022]"),
        (
            DOMAIN,
            {"zoneName": "example.com"},
            "at most one of zoneId, zoneName must be given, and there are zoneId and zoneName",
        ),
    ],
)
def test_one_bad_field_is_one_fault(bundle: Path, token: str, change: dict[str, Any], fault: str) -> None:
    changed = {**good(bundle)[token], **change}
    inputs = {name: value for name, value in changed.items() if value is not None}
    assert planning.check(token, {**placed(token), **inputs})[1] == [fault]


def test_a_module_that_is_no_file_is_a_fault(bundle: Path) -> None:
    module = {"name": "index.js", "contentType": "t", "contentFile": "no/such.js"}
    inputs = {"accountId": ACCOUNT, **good(bundle)[VERSION], "modules": [module]}
    (fault,) = planning.check(VERSION, inputs)[1]
    assert fault.startswith("modules[0].contentFile: there is no such file")


def test_changed_code_is_a_changed_version_although_its_path_is_the_same(account: Account) -> None:
    inputs = {"accountId": ACCOUNT, "workerId": "w", **account.code()}
    before, _ = planning.check(VERSION, inputs)
    account.bundle.write_text("export default 1")
    after, _ = planning.check(VERSION, inputs)
    (difference,) = planning.diff(VERSION, before, after)
    assert difference.path == "modules[0].contentSha256"
    assert difference.forces_new


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (D1, {"name": "main"}),
        (KV, {"title": "sessions"}),
        (BUCKET, {"name": "transcripts"}),
        (QUEUE, {"queueName": "events"}),
        (WORKER, {"name": "web"}),
    ],
)
def test_a_name_is_had_once_in_an_account(
    account: Account, resources: Resources, token: str, inputs: dict[str, Any]
) -> None:
    first = account.make(token, **inputs)
    with pytest.raises(ApiRefusal, match="is taken: environment 'staging' has it"):
        account.make(token, **inputs)
    account.delete(first)
    account.make(token, **inputs)


def test_another_account_may_use_the_same_name(account: Account, resources: Resources, bundle: Path) -> None:
    account.make(D1, name="main")
    Account(resources, bundle, "production", "f" * 32).make(D1, name="main")


def test_a_hostname_is_had_once_in_the_whole_world(account: Account, resources: Resources, bundle: Path) -> None:
    account.deployed("web")
    account.make(DOMAIN, hostname="www.example.com", service="web", zoneId="z")
    other = Account(resources, bundle, "production", "f" * 32)
    other.deployed("web")
    with pytest.raises(ApiRefusal, match=r"'www\.example\.com' is taken: environment 'staging'"):
        other.make(DOMAIN, hostname="www.example.com", service="web", zoneId="z")


def test_a_database_is_not_born_with_replicas(account: Account) -> None:
    with pytest.raises(ApiRefusal, match="created with replication disabled"):
        account.make(D1, name="main", readReplication={"mode": "auto"})
    made = account.make(D1, name="main", readReplication={"mode": "disabled"})
    changed = {**made.inputs, "readReplication": {"mode": "auto"}}
    updated = account.resources.update(account.caller, D1, made.id, changed)
    assert updated.outputs["readReplication"] == {"mode": "auto"}
    assert updated.outputs["uuid"] == made.id


@pytest.mark.parametrize(
    ("binding", "code"),
    [
        ({"type": "d1", "databaseId": "x"}, "10181"),
        ({"type": "kv_namespace", "namespaceId": "x"}, "10041"),
        ({"type": "r2_bucket", "bucketName": "x"}, "10085"),
        ({"type": "queue", "queueName": "x"}, "11000"),
        ({"type": "service", "service": "x"}, "10143"),
        ({"type": "durable_object_namespace", "className": "Room"}, "10061"),
        ({"type": "durable_object_namespace", "className": "Room", "scriptName": "x"}, "10061"),
    ],
)
def test_a_binding_must_lead_somewhere(account: Account, binding: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiRefusal, match=rf"bindings\[0\].*code: {code}"):
        account.version(account.worker(), bindings=[{"name": "X", **binding}])


def test_bindings_that_lead_somewhere_are_taken(account: Account) -> None:
    account.deployed("other", exports={"Room": SQLITE})
    bindings = [
        {"name": "DB", "type": "d1", "databaseId": account.make(D1, name="main").id},
        {"name": "KV", "type": "kv_namespace", "namespaceId": account.make(KV, title="t").id},
        {"name": "R2", "type": "r2_bucket", "bucketName": account.make(BUCKET, name="transcripts").outputs["name"]},
        {"name": "Q", "type": "queue", "queueName": account.make(QUEUE, queueName="events").outputs["queueName"]},
        {"name": "S", "type": "service", "service": "other"},
        {"name": "O", "type": "durable_object_namespace", "className": "Room", "scriptName": "other"},
        {"name": "OWN", "type": "durable_object_namespace", "className": "Own"},
    ]
    made = account.version(account.worker(), bindings=bindings, exports={"Own": SQLITE}, deploy=True)
    assert len(made.outputs["bindings"]) == 7


def test_a_store_of_another_account_is_no_target(account: Account, resources: Resources, bundle: Path) -> None:
    elsewhere = Account(resources, bundle, "production", "f" * 32).make(D1, name="main")
    with pytest.raises(ApiRefusal, match="10181"):
        account.version(account.worker(), bindings=[{"name": "DB", "type": "d1", "databaseId": elsewhere.id}])


def test_an_upload_may_not_change_the_lifecycle_of_a_class(account: Account) -> None:
    worker = account.worker()
    with pytest.raises(ApiRefusal, match=r"Room.*deploy=True.*10211"):
        account.version(worker, exports={"Room": SQLITE})
    account.version(worker, exports={"Room": SQLITE}, deploy=True)
    account.version(worker, exports={"Room": SQLITE})
    with pytest.raises(ApiRefusal, match="10211"):
        account.version(worker, exports={"Room": {"type": "durable-object", "state": "deleted"}})
    with pytest.raises(ApiRefusal, match="10211"):
        account.version(worker, migrations={"newTag": "v2", "newSqliteClasses": ["Hall"]})


def test_a_deployment_takes_only_versions_of_its_own_worker(account: Account) -> None:
    mine = account.version(account.worker("web"))
    foreign = account.version(account.worker("other"))
    shares = [{"versionId": mine.id, "percentage": 50}, {"versionId": foreign.id, "percentage": 50}]
    with pytest.raises(ApiRefusal, match=r"versions\[1\]\.versionId: Worker 'web' has no such version"):
        account.make(DEPLOYMENT, scriptName="web", strategy="percentage", versions=shares)
    account.make(
        DEPLOYMENT, scriptName="web", strategy="percentage", versions=[{"versionId": mine.id, "percentage": 100}]
    )


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (CRON, {"scriptName": "web", "schedules": [{"cron": "0 0 * * *"}]}),
        (DOMAIN, {"service": "web", "hostname": "www.example.com", "zoneId": "z"}),
        (CONSUMER, {"scriptName": "web", "type": "worker", "queueId": "QUEUE"}),
    ],
)
def test_what_sends_requests_needs_a_deployment(account: Account, token: str, inputs: dict[str, Any]) -> None:
    queue = account.make(QUEUE, queueName="events")
    inputs = {name: queue.id if value == "QUEUE" else value for name, value in inputs.items()}
    with pytest.raises(ApiRefusal, match="does not exist"):
        account.make(token, **inputs)
    worker = account.worker("web")
    version = account.version(worker)
    with pytest.raises(ApiRefusal, match="has no deployment yet"):
        account.make(token, **inputs)
    share = {"versionId": version.id, "percentage": 100}
    account.make(DEPLOYMENT, scriptName="web", strategy="percentage", versions=[share])
    account.make(token, **inputs)


def test_a_consumer_needs_its_queues(account: Account) -> None:
    account.deployed()
    queue = account.make(QUEUE, queueName="events")
    with pytest.raises(ApiRefusal, match="does not exist"):
        account.make(CONSUMER, queueId="x", type="worker", scriptName="web")
    with pytest.raises(ApiRefusal, match="dead letter queue 'failed' does not exist"):
        account.make(CONSUMER, queueId=queue.id, type="worker", scriptName="web", deadLetterQueue="failed")


def test_a_part_of_a_bucket_repeats_its_jurisdiction(account: Account) -> None:
    account.make(BUCKET, name="transcripts", jurisdiction="eu")
    with pytest.raises(ApiRefusal, match="does not exist in jurisdiction default"):
        account.make(LIFECYCLE, bucketName="transcripts", rules=[])
    account.make(LIFECYCLE, bucketName="transcripts", rules=[], jurisdiction="eu")


def test_a_worker_that_another_refers_to_stays(account: Account) -> None:
    target = account.deployed("target", exports={"Room": SQLITE})
    service = {"name": "T", "type": "service", "service": "target"}
    caller = account.deployed("caller", bindings=[service])
    with pytest.raises(ApiRefusal, match="Worker 'caller' refers to it"):
        account.delete(target)
    account.delete(caller)
    account.delete(target)


def test_a_worker_may_be_deleted_by_force(account: Account) -> None:
    target = account.worker("target", force=True)
    account.deployed("caller", bindings=[{"name": "T", "type": "service", "service": "target"}])
    account.delete(target)
    assert account.resources.store.get(WORKER, target.id) is None


def test_a_consumer_holds_its_worker_and_goes_with_its_queue(account: Account) -> None:
    worker = account.deployed()
    queue = account.make(QUEUE, queueName="events")
    consumer = account.make(CONSUMER, queueId=queue.id, type="worker", scriptName="web")
    with pytest.raises(ApiRefusal, match="it consumes queue"):
        account.delete(worker)
    account.delete(queue)
    assert account.resources.store.get(CONSUMER, consumer.id) is None
    account.delete(worker)


@pytest.mark.parametrize(
    ("token", "inputs", "binding"),
    [
        (KV, {"title": "t"}, {"type": "kv_namespace", "namespaceId": "ID"}),
        (QUEUE, {"queueName": "events"}, {"type": "queue", "queueName": "events"}),
    ],
)
def test_what_a_live_version_is_bound_to_stays(
    account: Account, token: str, inputs: dict[str, Any], binding: dict[str, Any]
) -> None:
    store = account.make(token, **inputs)
    bound = {name: store.id if value == "ID" else value for name, value in binding.items()}
    worker = account.deployed(bindings=[{"name": "X", **bound}])
    with pytest.raises(ApiRefusal, match="Worker 'web' is bound to it"):
        account.delete(store)
    account.delete(worker)
    account.delete(store)


def test_a_preview_knows_inputs_and_defaults_and_nothing_the_api_computes() -> None:
    foreseen = planning.foresee(WORKER, {"accountId": ACCOUNT, "name": "web", "subdomain": {"enabled": True}})
    assert foreseen["subdomain"] == {"enabled": True, "previewsEnabled": False}
    assert foreseen["createdOn"] is UNKNOWN


def test_a_preview_of_a_change_keeps_what_was_computed() -> None:
    old = {"accountId": ACCOUNT, "name": "web", "createdOn": "then", "tags": ["old"]}
    foreseen = planning.foresee(WORKER, {"accountId": ACCOUNT, "name": "web"}, old)
    assert foreseen["createdOn"] == "then"
    assert foreseen["tags"] == []


def test_of_two_that_want_a_name_at_once_one_is_refused(account: Account) -> None:
    def attempt(_: int) -> bool:
        try:
            account.make(D1, name="main")
        except ApiRefusal:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(attempt, range(8))).count(True) == 1
    assert len(account.resources.store.all(type_=D1)) == 1
