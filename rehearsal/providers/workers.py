"""Cloudflare's Workers: the rows of the hand table for Worker, version, deployment, cron trigger and hostname.

Error codes: 10007 no such script, 10041 KV namespace, 10061 Durable Object class, 10085 R2 bucket, 10143 service
binding, 10181 D1 database, 10211 class lifecycle in an upload, 11000 queue (as reported by users of the API).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rehearsal.providers.checks import (
    at,
    at_most_one,
    between,
    by_kind,
    distinct,
    exactly_one,
    json_text,
    known,
    needs,
    one_of,
    shaped,
    sized,
    walk,
)
from rehearsal.providers.handler import Caller, Properties
from rehearsal.providers.rules import EVERYTHING, TypeRules, Within, importable, joined, new_hex_id, new_uuid, now
from rehearsal.providers.store import Record, Store
from rehearsal.providers.wire import UNKNOWN, Steps
from rehearsal.providers.worker_state import (
    ALIVE,
    CONSUMER,
    DEPLOYMENT,
    VERSION,
    WORKER,
    binding_workers,
    classes_after,
    durable_object_classes,
    find_worker,
    is_of,
    not_deployed,
)

# Every kind of binding that a rehearsal can make real: what it needs, and what it may also have.
_BINDINGS: Final = {
    "ai": ("", ""),
    "analytics_engine": ("dataset", ""),
    "d1": ("databaseId", ""),
    "durable_object_namespace": ("className", "scriptName"),
    "json": ("json", ""),
    "kv_namespace": ("namespaceId", ""),
    "plain_text": ("text", ""),
    "queue": ("queueName", ""),
    "r2_bucket": ("bucketName", "jurisdiction"),
    "secret_text": ("text", ""),
    "service": ("service", "entrypoint environment"),
    "version_metadata": ("", ""),
}
# Binding kind -> type of its target, the binding's property, the target's property (None: its id), the refusal's code.
_TARGETS: Final = {
    "d1": ("cloudflare:index/d1Database:D1Database", "databaseId", None, "10181"),
    "kv_namespace": ("cloudflare:index/workersKvNamespace:WorkersKvNamespace", "namespaceId", None, "10041"),
    "queue": ("cloudflare:index/queue:Queue", "queueName", "queueName", "11000"),
    "r2_bucket": ("cloudflare:index/r2Bucket:R2Bucket", "bucketName", "name", "10085"),
    "service": (WORKER, "service", "name", "10143"),
}
# Worker


def _nobody_needs_it(store: Store, record: Record) -> Iterator[str]:
    if record.outputs.get("force"):
        return
    name = record.outputs["name"]
    callers = {
        *binding_workers(store, record.account, "service", "service", name),
        *binding_workers(store, record.account, "durable_object_namespace", "scriptName", name),
        *(
            other.outputs["name"]
            for other in store.all(type_=WORKER)
            if other.account == record.account
            for consumer in other.outputs.get("tailConsumers", ())
            if consumer["name"] == name
        ),
    }
    for caller in sorted(callers - {name}):
        yield f"Worker {caller!r} refers to it; delete that one first, or set force"
    for consumer in store.all(type_=CONSUMER):
        if consumer.account == record.account and consumer.outputs.get("scriptName") == name:
            yield f"it consumes queue {consumer.outputs['queueId']}; delete that consumer first, or set force"


# WorkerVersion


def _modules_are_there(inputs: Properties) -> Iterator[str]:
    for place, file in at(inputs, "modules[*].contentFile"):
        if not Path(file).is_file():
            yield f"{place}: there is no such file below {Path.cwd()}"
    if known(inputs, "modules", "mainModule") and inputs["mainModule"] not in {m["name"] for m in inputs["modules"]}:
        yield f"mainModule: none of the modules is called {inputs['mainModule']}"


def _with_file_digests(inputs: Properties) -> Properties:
    """The provider hashes the files itself, so changed code is a changed version although its path is the same."""
    if not isinstance(inputs.get("modules"), list):
        return inputs
    return {**inputs, "modules": [_with_digest(module) for module in inputs["modules"]]}


def _with_digest(module: Any) -> Any:
    file = module.get("contentFile", UNKNOWN) if isinstance(module, Mapping) else UNKNOWN
    if not isinstance(file, str) or not Path(file).is_file():
        return module
    return {**module, "contentSha256": hashlib.sha256(Path(file).read_bytes()).hexdigest()}


def _secret_texts(values: Properties) -> Iterator[Steps]:
    for steps, binding in walk(values, "bindings[*]"):
        if binding.get("type") == "secret_text":
            yield (*steps, "text")


def _durable_object_exports(inputs: Properties) -> Iterator[str]:
    for place, export in at(inputs, "exports.*"):
        if export.get("type") != "durable-object":
            continue
        if export.get("state") in ALIVE and "storage" not in export:
            yield f"{place}.storage: required for a class that is alive"
        target = export.get("renamedTo")
        if export.get("state") == "renamed" and target not in inputs["exports"]:
            yield f"{place}.renamedTo: must name a class that is alive in the same exports"


def _bindings_lead_somewhere(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    account = inputs["accountId"]
    for index, binding in enumerate(inputs.get("bindings", ())):
        if binding["type"] not in _TARGETS:
            continue
        type_, key, target_key, code = _TARGETS[binding["type"]]
        targets = (record for record in store.all(type_=type_) if record.account == account)
        if binding[key] not in {record.outputs[target_key] if target_key else record.id for record in targets}:
            yield f"bindings[{index}].{key}: {binding['name']} refers to something that does not exist [code: {code}]"


def _classes_are_provisioned(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    worker = find_worker(store, inputs["accountId"], inputs["workerId"])
    if worker is None:
        yield f"Worker {inputs['workerId']!r} does not exist [code: 10007]"
        return
    before = durable_object_classes(store, worker)
    after = classes_after(before, inputs)
    if before != after and not inputs.get("deploy"):
        yield (
            "exports: this version changes the lifecycle of Durable Object classes "
            f"({', '.join(sorted(before ^ after))}), which an upload without a deployment cannot; set deploy=True "
            "[code: 10211]"
        )
    for index, binding in enumerate(inputs.get("bindings", ())):
        if binding["type"] != "durable_object_namespace":
            continue
        script = binding.get("scriptName", worker.outputs["name"])
        owner = find_worker(store, inputs["accountId"], script)
        own = owner is not None and owner.id == worker.id
        classes = after if own else durable_object_classes(store, owner) if owner else ()
        if binding["className"] not in classes:
            yield f"bindings[{index}].className: Worker {script!r} has no such Durable Object class [code: 10061]"


# WorkersDeployment


def _adds_up(inputs: Properties) -> Iterator[str]:
    shares = [value for _, value in at(inputs, "versions[*].percentage") if isinstance(value, int | float)]
    if known(inputs, "versions") and round(sum(shares), 2) != 100:  # noqa: PLR2004 - per cent
        yield f"versions[*].percentage: must add up to 100, and add up to {sum(shares):g}"


def _versions_are_its_own(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    worker = find_worker(store, inputs["accountId"], inputs["scriptName"])
    if worker is None:
        yield f"Worker {inputs['scriptName']!r} does not exist [code: 10007]"
        return
    for index, share in enumerate(inputs["versions"]):
        version = store.get(VERSION, share["versionId"])
        if version is None or not is_of(worker, version, "workerId"):
            yield f"versions[{index}].versionId: Worker {inputs['scriptName']!r} has no such version"


# Cron triggers and hostnames


def _script_is_deployed(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    yield from not_deployed(store, inputs["accountId"], inputs.get("scriptName") or inputs["service"])


def _hostname_id(_caller: Caller, inputs: Properties) -> str:
    """One hostname, one domain: the API's create is an upsert on it."""
    return hashlib.sha256(inputs["hostname"].encode()).hexdigest()[:32]


TABLE: Final = (
    TypeRules(
        type=WORKER,
        identify=new_hex_id,
        account="accountId",
        checks=(
            shaped("name", r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", "1 to 63 lower-case letters, digits, - and _"),
            between("observability.headSamplingRate", 0, 1),
            between("observability.logs.headSamplingRate", 0, 1),
            between("observability.traces.headSamplingRate", 0, 1),
            one_of("observability.traces.propagationPolicy", "authenticated", "accept"),
            distinct("tags[*]"),
        ),
        releases=(_nobody_needs_it,),
        unique=("name",),
        replaces=frozenset({"accountId"}),
        defaults={
            "logpush": False,
            "tags": [],
            "tailConsumers": [],
            "subdomain": {"enabled": False, "previewsEnabled": False},
        },
        computed=lambda _caller, _id, _inputs: {"createdOn": now(), "updatedOn": now()},
        import_id=importable("accountId", "id"),
    ),
    TypeRules(
        type=VERSION,
        identify=new_uuid,
        account="accountId",
        checks=(
            needs("", "mainModule", "modules", "compatibilityDate"),
            distinct("modules[*].name"),
            exactly_one("modules[*]", "contentFile", "contentBase64"),
            _modules_are_there,
            shaped("compatibilityDate", r"20\d\d-[01]\d-[0-3]\d", "a date as 2026-07-01"),
            by_kind("bindings[*]", "type", _BINDINGS),
            distinct("bindings[*].name"),
            json_text("bindings[*].json"),
            shaped("annotations.workersTag", r".{0,100}", "at most 100 bytes"),
            between("limits.cpuMs", 1, 300_000),
            one_of("usageModel", "standard", "bundled", "unbound"),
            at_most_one("", "exports", "migrations"),
            one_of("exports.*.type", "worker", "durable-object"),
            one_of("exports.*.storage", "sqlite", "legacy-kv"),
            one_of("exports.*.state", "created", "deleted", "renamed", "transferred", "expecting-transfer"),
            _durable_object_exports,
        ),
        admissions=(_bindings_lead_somewhere, _classes_are_provisioned),
        replaces=EVERYTHING,
        plan=_with_file_digests,
        defaults={"usageModel": "standard"},
        computed=lambda _caller, _id, _inputs: {"createdOn": now(), "source": "terraform", "startupTimeMs": 1},
        secrets=_secret_texts,
        import_id=importable("accountId", "workerId", "id"),
        leaves_behind=True,
        within=Within(WORKER, {"workerId": "name"}),
    ),
    TypeRules(
        type=DEPLOYMENT,
        identify=new_uuid,
        account="accountId",
        checks=(
            one_of("strategy", "percentage"),
            sized("versions", 1, 2),
            between("versions[*].percentage", 0.01, 100),  # the provider refuses 0 %
            distinct("versions[*].versionId"),
            _adds_up,
        ),
        admissions=(_versions_are_its_own,),
        replaces=EVERYTHING,
        computed=lambda _caller, _id, _inputs: {"createdOn": now(), "source": "terraform"},
        import_id=importable("accountId", "scriptName", "id"),
        leaves_behind=True,
        within=Within(WORKER, {"scriptName": "name"}),
    ),
    TypeRules(
        type="cloudflare:index/workersCronTrigger:WorkersCronTrigger",
        identify=joined("scriptName"),
        account="accountId",
        checks=(
            shaped("schedules[*].cron", r"\S+( \S+){4}", "the five fields minute hour day month weekday"),
            distinct("schedules[*].cron"),
        ),
        admissions=(_script_is_deployed,),
        replaces=frozenset({"accountId", "scriptName"}),
        import_id=importable("accountId", "scriptName"),
        leaves_behind=True,
        within=Within(WORKER, {"scriptName": "name"}),
    ),
    TypeRules(
        type="cloudflare:index/workersCustomDomain:WorkersCustomDomain",
        identify=_hostname_id,
        account="accountId",
        checks=(
            shaped("hostname", r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", "a full hostname without wildcards"),
            at_most_one("", "zoneId", "zoneName"),
        ),
        admissions=(_script_is_deployed,),
        unique=("hostname",),
        unique_everywhere=True,
        replaces=frozenset({"accountId", "hostname", "service", "environment"}),
        defaults={"environment": "production"},
        import_id=importable("accountId", "id"),
    ),
)
