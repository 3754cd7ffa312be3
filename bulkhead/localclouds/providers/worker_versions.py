"""Cloudflare's WorkerVersion: what a version may hold, and what must exist before it can be uploaded.

Error codes: 10007 no such script, 10041 KV namespace, 10061 Durable Object class, 10085 R2 bucket, 10143 service
binding, 10181 D1 database, 10211 class lifecycle in an upload, 11000 queue (as reported by users of the API).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bulkhead.localclouds.providers.checks import (
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
    walk,
)
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import ImportId, TypeRules, Within, new_uuid
from bulkhead.localclouds.providers.store import Store
from bulkhead.localclouds.providers.wire import UNKNOWN, Steps
from bulkhead.localclouds.providers.worker_state import (
    ALIVE,
    classes_after,
    durable_object_classes,
    find_worker,
    made_by,
)
from bulkhead.resources import types as t

_DATE: Final = r"20\d\d-[01]\d-[0-3]\d"
# Every kind of binding that a rehearsal can make real: what it needs, and what it may also have.
_BINDINGS: Final = {
    "ai": ("", ""),
    "analytics_engine": ("dataset", ""),
    "assets": ("", ""),
    "d1": ("databaseId", "id"),
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
    "d1": (t.D1_DATABASE, "databaseId", None, "10181"),
    "kv_namespace": (t.WORKERS_KV_NAMESPACE, "namespaceId", None, "10041"),
    "queue": (t.QUEUE, "queueName", "queueName", "11000"),
    "r2_bucket": (t.R2_BUCKET, "bucketName", "name", "10085"),
    "service": (t.WORKER, "service", "name", "10143"),
}


def _code_or_assets(inputs: Properties) -> Iterator[str]:
    """A version without static assets has code."""
    given = [name for name in ("mainModule", "modules") if name in inputs]
    if given or not inputs.get("assets"):
        yield from (f"{name}: required property is missing" for name in ("mainModule", "modules") if name not in given)


def _assets_for_their_binding(inputs: Properties) -> Iterator[str]:
    for place, binding in at(inputs, "bindings[*]"):
        if binding.get("type") == "assets" and not inputs.get("assets"):
            yield f"{place}: binds static assets, and this version has none"


def _modules_are_there(inputs: Properties) -> Iterator[str]:
    for place, file in at(inputs, "modules[*].contentFile"):
        if not Path(file).is_file():
            yield f"{place}: there is no such file below {Path.cwd()}"
    if known(inputs, "modules", "mainModule") and inputs["mainModule"] not in {m["name"] for m in inputs["modules"]}:
        yield f"mainModule: none of the modules is called {inputs['mainModule']}"


def _with_file_digests(inputs: Properties, _provider: Properties) -> Properties:
    """The provider hashes the files itself, so changed code is a changed version although its path is the same."""
    if not isinstance(inputs.get("modules"), list):
        return inputs
    return {**inputs, "modules": [_with_digest(module) for module in inputs["modules"]]}


def _with_digest(module: Any) -> Any:
    file = module.get("contentFile", UNKNOWN) if isinstance(module, Mapping) else UNKNOWN
    if not isinstance(file, str) or not Path(file).is_file():
        return module
    return {**module, "contentSha256": hashlib.sha256(Path(file).read_bytes()).hexdigest()}


def _not_yet_to_come(inputs: Properties) -> Iterator[str]:
    for place, date in at(inputs, "compatibilityDate"):
        if isinstance(date, str) and re.fullmatch(_DATE, date) and date > datetime.now(UTC).date().isoformat():
            yield f"{place}: Can't set compatibility date in the future: {date} [code: 10021]"


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


RULES: Final = TypeRules(
    type=t.WORKER_VERSION,
    identify=new_uuid,
    account="accountId",
    checks=(
        needs("", "compatibilityDate"),
        _code_or_assets,
        distinct("modules[*].name"),
        exactly_one("modules[*]", "contentFile", "contentBase64"),
        _modules_are_there,
        shaped("compatibilityDate", _DATE, "a date as 2026-07-01"),
        _not_yet_to_come,
        by_kind("bindings[*]", "type", _BINDINGS),
        _assets_for_their_binding,
        shaped("bindings[*].name", r".+", "a name"),
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
    plan=_with_file_digests,
    defaults={"usageModel": "standard"},
    computed=lambda caller, _id, _inputs: {**made_by(caller), "startupTimeMs": 1},
    nested_secrets=_secret_texts,
    import_id=ImportId("accountId", "workerId", "id"),
    within=Within(t.WORKER, {"workerId": "name"}),
    # Cloudflare's documentation, Workers, "Errors": a variable that is too large, and too many of them.
    over_limit={path: 10054 if path.startswith("bindings[].") else 10055 for path in t.WORKER_VERSION.limits},
)
