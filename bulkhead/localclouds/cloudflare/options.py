"""Converts one environment's Cloudflare account to Miniflare's options (pure).

Bindings come from what the engine sent for the live version of each Worker, never from the product's description, so a
proof that inspects a running Worker sees what Cloudflare would have received. A binding whose store was deleted is
left out, so using it is an error, as on Cloudflare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare import access, inventory, layout, sites, zone_routes
from bulkhead.localclouds.cloudflare.inventory import Inventory
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.handler import ApiRefusal
from bulkhead.localclouds.providers.store import Record

WORKERS_DEV: Final = "rehearsal.workers.dev"
SOURCE_MAP: Final = "application/source-map"
"""The type of a module that never runs: it is kept for whoever reads a stack trace."""

Options = dict[str, Any]
Binding = Mapping[str, Any]
_MODULE_TYPES: Final = {
    "application/javascript+module": "ESModule",
    "application/javascript": "CommonJS",
    "application/wasm": "CompiledWasm",
    "application/octet-stream": "Data",
    "text/plain": "Text",
}
# Inputs of a version that would change what runs, and that Miniflare or this module cannot carry out.
_REFUSED_INPUTS: Final = ("cacheOptions", "containers", "migrations", "packageDependencies")


def build(records: Iterable[Record], uploads: Uploads) -> Options:
    """Return what the host shall run; ``uploads`` holds the modules of each version."""
    records = list(records)
    stock = inventory.take(records)
    consumed = {_queue_of(consumer, stock) for consumer in stock.consumers}
    return {
        "workers": [_worker(name, stock, uploads) for name in _in_order(stock)],
        "stores": {
            "databases": list(stock.databases),
            "namespaces": list(stock.namespaces),
            "buckets": list(stock.buckets),
            "queues": list(stock.queues.values()),
        },
        "held": [queue for queue in stock.queues.values() if queue not in consumed],
        "crons": {worker: list(crons) for worker, crons in stock.crons.items()},
        "shares": {name: dict(shares) for name, shares in stock.shares.items() if _has_gate(name, stock)},
        "routes": zone_routes.rules(records, stock.live),
        "doors": access.doors(records, sorted(domain.inputs["hostname"] for domain in stock.domains)),
    }


def removals(records: Iterable[Record]) -> list[str]:
    """Return the paths to delete for the live versions: the objects of the classes that they retire."""
    live = inventory.take(records).live
    return [layout.objects(worker, name) for worker in live for name in inventory.retired_classes(live[worker][0])]


def check_version(version: Record, runtime_date: str) -> None:
    """Raise ApiRefusal with every reason why this version cannot be rehearsed. ``runtime_date``: see `local`."""
    faults = [
        f"{name} is not rehearsed" for name in _REFUSED_INPUTS if version.inputs.get(name) not in (None, [], {}, "")
    ]
    for binding in version.inputs.get("bindings", ()):
        if binding["type"] not in {*_BINDINGS, sites.BINDING}:
            faults.append(f"binding {binding['name']}: type {binding['type']} is not rehearsed")
    for module in version.inputs.get("modules", ()):
        if module["contentType"] not in {*_MODULE_TYPES, SOURCE_MAP}:
            faults.append(f"module {module['name']}: content type {module['contentType']} is not rehearsed")
    exports = version.inputs.get("exports") or {}
    known = {*inventory.durable_classes(version), *inventory.retired_classes(version)}
    faults += [f"export {name}: its type or state is not rehearsed" for name in exports if name not in known]
    date = version.inputs["compatibilityDate"]
    if date > runtime_date:
        faults.append(
            f"compatibilityDate {date} is newer than the workerd of this rehearsal, which knows {runtime_date}; use "
            "that date or an older one, or a newer miniflare in worker/package.json"
        )
    if faults:
        raise ApiRefusal(*faults)


def _in_order(stock: Inventory) -> list[str]:
    """Return the live Workers, first the one that answers when a request names no hostname: that of the shortest
    custom domain, which is a stage's own hostname."""
    hosts = {domain.inputs["service"]: "" for domain in stock.domains}
    for domain in sorted(stock.domains, key=lambda domain: -len(domain.inputs["hostname"])):
        hosts[domain.inputs["service"]] = domain.inputs["hostname"]
    public = [name for name in stock.live if name in hosts]
    others = [name for name in stock.live if name not in hosts]
    return [
        *sorted(public, key=lambda name: (len(hosts[name]), hosts[name])),
        *sorted(others, key=lambda name: (not _on_workers_dev(stock.workers[name]), name)),
    ]


def _has_gate(name: str, stock: Inventory) -> bool:
    """Whether more is behind a Worker's name than one code: two versions, or static assets."""
    return len(stock.live[name]) > 1 or any(version.inputs.get("assets") for version in stock.live[name])


def _code_name(name: str, version: Record, stock: Inventory) -> str:
    """Return Miniflare's name for the code of a live version; no Worker's name has such a sign in it."""
    return f"{name}@{version.id}" if _has_gate(name, stock) else name


def _worker(name: str, stock: Inventory, uploads: Uploads) -> Options:
    consumers = {
        _queue_of(consumer, stock): _consumer(consumer)
        for consumer in stock.consumers
        if consumer.inputs.get("scriptName") == name and _queue_of(consumer, stock) is not None
    }
    handlers = ["queue"] if consumers else []
    codes = [_code(name, version, stock, uploads, handlers) for version in stock.live[name]]
    if not _has_gate(name, stock):
        return {**codes[0], "routes": _routes(name, stock), "queueConsumers": consumers}
    ids = (version.id for version in stock.live[name])
    return {
        "name": name,
        "routes": _routes(name, stock),
        "queueConsumers": consumers,
        "versions": [{"id": id_, "code": code} for id_, code in zip(ids, codes, strict=True)],
        "entrypoints": sorted(_entrypoints_in_use(name, stock)),
    }


def _entrypoints_in_use(name: str, stock: Inventory) -> set[str]:
    return {
        binding["entrypoint"]
        for versions in stock.live.values()
        for version in versions
        for binding in version.inputs.get("bindings", ())
        if binding["type"] == "service" and binding["service"] == name and binding.get("entrypoint")
    }


def _code(name: str, version: Record, stock: Inventory, uploads: Uploads, handlers: list[str]) -> Options:
    options: Options = {
        "name": _code_name(name, version, stock),
        "version": version.id,
        "bundle": {
            "main": version.inputs.get("mainModule"),
            "modules": [
                {
                    "name": module["name"],
                    "type": _MODULE_TYPES[module["contentType"]],
                    "file": str(uploads.file(module["contentSha256"])),
                }
                for module in version.inputs.get("modules", ())
                if module["contentType"] != SOURCE_MAP
            ],
        },
        "requires": {"classes": list(inventory.durable_classes(version)), "handlers": handlers},
        "compatibilityDate": version.inputs["compatibilityDate"],
        "compatibilityFlags": list(version.inputs.get("compatibilityFlags", ())),
    }
    if version.inputs.get("assets"):
        options["assets"] = sites.options(version, uploads)
    bound = set()
    for binding in version.inputs.get("bindings", ()):
        if binding["type"] == sites.BINDING:
            continue
        place, value = _BINDINGS[binding["type"]](binding, _Target(name, version, stock))
        if value is not None:
            options.setdefault(place, {})[binding["name"]] = value
        if binding["type"] == "durable_object_namespace" and binding.get("scriptName", name) == name:
            bound.add(binding["className"])
    if version is stock.live[name][0]:
        unbound = [class_name for class_name in inventory.durable_classes(version) if class_name not in bound]
        options["additionalUnboundDurableObjects"] = [_designator(name, class_name, stock) for class_name in unbound]
    return options


def _designator(owner: str, class_name: str, stock: Inventory) -> Options:
    """Return how Miniflare knows a class of Durable Objects: where its data are does not depend on the version."""
    designator = {"className": class_name, "useSQLite": stock.classes_of(owner)[class_name]}
    return designator | ({"unsafeUniqueKey": f"{owner}-{class_name}"} if _has_gate(owner, stock) else {})


def _routes(name: str, stock: Inventory) -> list[str]:
    own = [f"{domain.inputs['hostname']}/*" for domain in stock.domains if domain.inputs["service"] == name]
    dev = [f"{name}.{WORKERS_DEV}/*"] if _on_workers_dev(stock.workers[name]) else []
    return sorted(own) + dev


def _on_workers_dev(worker: Record) -> bool:
    return bool((worker.inputs.get("subdomain") or {}).get("enabled"))


def _queue_of(consumer: Record, stock: Inventory) -> str | None:
    """Return the queue whose messages a Worker is given; None while delivery is paused, or if it is not a Worker."""
    queue = stock.queues.get(consumer.inputs["queueId"])
    return None if queue in stock.paused or consumer.inputs["type"] != "worker" else queue


def _consumer(consumer: Record) -> Options:
    settings = consumer.inputs.get("settings") or {}
    wait = settings.get("maxWaitTimeMs")
    options = {
        "maxBatchSize": settings.get("batchSize"),
        "maxBatchTimeout": None if wait is None else wait / 1000,
        "maxRetries": settings.get("maxRetries"),
        "retryDelay": settings.get("retryDelay"),
        "deadLetterQueue": consumer.inputs.get("deadLetterQueue"),
    }
    return {key: value for key, value in options.items() if value is not None}


class _Target:
    """The possible targets of a binding: everything in the environment, for one version of one Worker."""

    def __init__(self, worker: str, version: Record, stock: Inventory) -> None:
        self.worker = worker
        self.version = version
        self.stock = stock

    def metadata(self) -> dict[str, str]:
        annotations = self.version.inputs.get("annotations") or {}
        created = str(self.version.outputs.get("createdOn", ""))
        return {"id": self.version.id, "tag": annotations.get("workersTag", ""), "timestamp": created}

    def durable_object(self, binding: Binding) -> Options | None:
        owner, name = binding.get("scriptName", self.worker), binding["className"]
        if name not in self.stock.classes_of(owner):
            return None
        oldest, designator = self.stock.live[owner][0], _designator(owner, name, self.stock)
        return (
            designator if oldest is self.version else designator | {"scriptName": _code_name(owner, oldest, self.stock)}
        )

    def service(self, binding: Binding) -> Options | None:
        if binding["service"] not in self.stock.live:
            return None
        target = {"name": binding["service"]}
        return target if binding.get("entrypoint") is None else target | {"entrypoint": binding["entrypoint"]}


def _if_in(place: str, key: str, room: Callable[[Inventory], Iterable[str]]) -> Callable[[Binding, _Target], Any]:
    def translate(binding: Binding, target: _Target) -> tuple[str, str | None]:
        return place, binding[key] if binding[key] in set(room(target.stock)) else None

    return translate


# Binding type -> (the Miniflare option it goes into, its value there; None: it leads nowhere).
_BINDINGS: Final[Mapping[str, Callable[[Binding, _Target], tuple[str, Any]]]] = {
    "d1": _if_in("d1Databases", "databaseId", lambda stock: stock.databases),
    "kv_namespace": _if_in("kvNamespaces", "namespaceId", lambda stock: stock.namespaces),
    "r2_bucket": _if_in("r2Buckets", "bucketName", lambda stock: stock.buckets),
    "queue": _if_in("queueProducers", "queueName", lambda stock: stock.queues.values()),
    "durable_object_namespace": lambda binding, target: ("durableObjects", target.durable_object(binding)),
    "service": lambda binding, target: ("serviceBindings", target.service(binding)),
    "analytics_engine": lambda binding, _: ("analyticsEngineDatasets", {"dataset": binding["dataset"]}),
    "ai": lambda _binding, _: ("wrappedBindings", "rehearsal-ai"),
    "plain_text": lambda binding, _: ("bindings", binding["text"]),
    "secret_text": lambda binding, _: ("bindings", binding["text"]),
    "json": lambda binding, _: ("bindings", json.loads(binding["json"])),
    "version_metadata": lambda _binding, target: ("bindings", target.metadata()),
}
