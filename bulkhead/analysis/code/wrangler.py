"""The wrangler configuration of each Worker of one stage, from the stage's manifest and settings (pure).

For those who work on a Worker: `wrangler dev`, `wrangler tail`, `wrangler d1 migrations apply`. Deploying is Pulumi's
(docs/adr/0001). Shape: config-schema.json of wrangler 4.164. Durable Objects are declared by `exports`, as the program
does it; wrangler 4.86, the last for Node 20, does not know that yet.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from bulkhead.model.bindings import (
    AI,
    D1,
    KV,
    R2,
    AnalyticsEngine,
    Binding,
    DurableObject,
    Json,
    PlainText,
    QueueProducer,
    Secret,
    Service,
    VersionMetadata,
)
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind, Label
from bulkhead.model.observability import observability
from bulkhead.model.product import Product, Queue, Worker
from bulkhead.model.settings import StageSettings
from bulkhead.model.variables import stage_variables
from bulkhead.resources.kind import STACK

FILE: Final = "wrangler.jsonc"
_SECONDS: Final = 1000  # milliseconds, in which the product counts a queue's waiting
# What is known by its physical name, by the product's word for it.
_NAMED: Final = {"databases": Kind.D1, "buckets": Kind.R2, "queues": Kind.QUEUE, "workers": Kind.WORKER}


@dataclass(frozen=True, slots=True)
class Target:
    """The stage that is written for: what it consists of, and what its manifest says is deployed there."""

    product: Product
    settings: StageSettings
    manifest: Mapping[str, Any]

    @property
    def label(self) -> Label:
        """Whose the names are."""
        return self.settings.label(self.product.name)


def deployed_manifest(stack: str, resources: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the manifest in a stack's state: its outputs, of which the state of the stack's root has a copy. Raises
    Refused where there is none, or none in clear."""
    root: Mapping[str, Any] = next((each for each in resources if each["type"] == STACK), {})
    manifest = root.get("outputs", {}).get("manifest")
    if not isinstance(manifest, Mapping) or "product" not in manifest:
        message = "exports no manifest that can be read: it is not deployed, or only half-way"
        raise Refused("There is nothing deployed to write about.", [Fault(stack, message, f"pulumi up -s {stack}")])
    return manifest


def require_manifest(target: Target) -> None:
    """Raise Refused, with every fault, when the manifest is another stage's or lacks what the product consists of."""
    faults = list(_manifest_faults(target))
    if faults:
        raise Refused(f"The manifest does not describe {target.settings.environment}.", faults)


def configurations(target: Target, folder: Path, root: Path) -> dict[str, dict[str, Any]]:
    """Return the configuration of each Worker by the path of its file, relative to ``folder``, which is where the files
    will be; the sources are below ``root``."""
    return {f"{worker.name}/{FILE}": _worker(worker, target, folder, root) for worker in target.product.workers}


def texts(documents: Mapping[str, Mapping[str, Any]], target: Target) -> dict[str, str]:
    """Return the text of each file of `configurations`, by the same path."""
    workers = {f"{worker.name}/{FILE}": worker for worker in target.product.workers}
    return {path: render(one, workers[path], target.settings.environment) for path, one in documents.items()}


def render(configuration: Mapping[str, Any], worker: Worker, environment: str) -> str:
    """Return a configuration as the text of its file; the secrets that it needs are named in it, and none is given."""
    secrets = [binding.name for binding in worker.bindings if isinstance(binding, Secret)]
    lines = [
        f"// Written by `bulkhead wrangler {environment}` from what is deployed there; not to be changed by hand.",
        "// For dev, tail and d1. A deployment is Pulumi's: its next `up` does not see one of `wrangler deploy`, and",
        f"// leaves it running. `bulkhead preview {environment}` names the Workers that run another version.",
        *([f"// Secrets, which are not in here: {', '.join(secrets)}"] if secrets else []),
        json.dumps(configuration, indent=2, ensure_ascii=False),
    ]
    return "\n".join(lines) + "\n"


def _worker(worker: Worker, target: Target, folder: Path, root: Path) -> dict[str, Any]:
    settings, deployed = target.settings, target.manifest["workers"][worker.name]
    hosts = target.product.hostnames(settings.cloudflare.hostname)
    here = folder / worker.name
    reachable = settings.on_workers_dev and worker.host is not None
    whole = {
        "name": deployed["name"],
        "account_id": settings.cloudflare.account_id,
        "main": _path(root / worker.entry, here),
        "compatibility_date": worker.compatibility_date,
        "compatibility_flags": sorted(worker.compatibility_flags),
        "workers_dev": reachable,
        "preview_urls": reachable,
        "routes": [{"pattern": hosts[worker.name], "custom_domain": True}] if worker.name in hosts else [],
        "triggers": {"crons": list(worker.crons)} if worker.crons is not None else {},
        "limits": worker.limits(settings.workers.cpu_ms),
        "observability": observability(settings),
        "vars": _variables(worker, target, deployed),
        **_bindings(worker, target, here, root),
        "exports": {
            **{name: {"type": "durable-object", "storage": "sqlite"} for name in worker.owns},
            **{name: {"type": "durable-object", "state": "deleted"} for name in worker.retired},
        },
    }
    return {key: value for key, value in whole.items() if value not in ([], {})}


def _variables(worker: Worker, target: Target, deployed: Mapping[str, Any]) -> dict[str, Any]:
    stage = stage_variables(target.label, target.settings, deployed["name"], deployed["release"])
    own: dict[str, Any] = {
        binding.name: binding.text if isinstance(binding, PlainText) else dict(binding.value)
        for binding in worker.bindings
        if isinstance(binding, PlainText | Json)
    }
    told = {each["name"]: json.loads(each["json"]) if each["type"] == "json" else each["text"] for each in stage}
    return dict(sorted({**told, **own}.items()))


def _bindings(worker: Worker, target: Target, here: Path, root: Path) -> dict[str, Any]:
    """Return the bindings as wrangler groups them; variables and secrets are no bindings there."""
    grouped: dict[str, Any] = {}
    for binding in sorted(worker.bindings, key=lambda one: one.name):
        for group, shape in _binding(binding, target, here, root):
            if group in {"ai", "version_metadata"}:
                grouped[group] = shape
            else:
                grouped.setdefault(group, []).append(shape)
    objects, producers = grouped.pop("durable_objects", []), grouped.pop("producers", [])
    consumers = [_consumer(queue, target) for queue in target.product.queues if queue.consumer == worker.name]
    queues = {"producers": producers, "consumers": consumers}
    return {
        **grouped,
        "durable_objects": {"bindings": objects} if objects else {},
        "queues": {kind: shapes for kind, shapes in queues.items() if shapes},
    }


def _binding(binding: Binding, target: Target, here: Path, root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    manifest, named = target.manifest, {"binding": binding.name}
    match binding:
        case D1(database=name):
            store = manifest["databases"][name]
            migrations = next(each.migrations for each in target.product.databases if each.name == name)
            folder = {"migrations_dir": _path(root / migrations, here)} if migrations else {}
            yield "d1_databases", named | {"database_name": store["name"], "database_id": store["id"]} | folder
        case KV(namespace=name):
            yield "kv_namespaces", named | {"id": manifest["namespaces"][name]["id"]}
        case R2(bucket=name):
            yield "r2_buckets", named | {"bucket_name": manifest["buckets"][name]["name"]}
        case QueueProducer(queue=name):
            yield "producers", named | {"queue": manifest["queues"][name]["name"]}
        case DurableObject(class_name=name, worker=owner):
            script = {"script_name": manifest["workers"][owner]["name"]} if owner else {}
            yield "durable_objects", {"name": binding.name, "class_name": name} | script
        case Service(worker=name, entrypoint=entrypoint):
            entry = {"entrypoint": entrypoint} if entrypoint else {}
            yield "services", named | {"service": manifest["workers"][name]["name"]} | entry
        case AnalyticsEngine(dataset=name):
            yield "analytics_engine_datasets", named | {"dataset": target.label.name(Kind.DATASET, name)}
        case AI():
            yield "ai", named
        case VersionMetadata():
            yield "version_metadata", named
        case Secret() | PlainText() | Json():
            pass


def _consumer(queue: Queue, target: Target) -> dict[str, Any]:
    queues = target.manifest["queues"]
    dead = {"dead_letter_queue": queues[queue.dead_letter]["name"]} if queue.dead_letter else {}
    return {
        "queue": queues[queue.name]["name"],
        "max_batch_size": queue.batch_size,
        "max_batch_timeout": queue.max_wait_ms / _SECONDS,
        "max_retries": queue.max_retries,
        "max_concurrency": queue.max_concurrency,
        **dead,
    }


def _manifest_faults(target: Target) -> Iterator[Fault]:
    settings, manifest = target.settings, target.manifest
    again = f"pulumi up -s {settings.environment}, or give the manifest of that stage"
    expected = {
        ("product",): target.product.name,
        ("stage",): settings.stage.value,
        ("environment",): settings.environment,
        ("cloudflare", "accountId"): settings.cloudflare.account_id,
        ("cloudflare", "hostname"): settings.cloudflare.hostname,
        **dict(_names(target)),
    }
    for keys, value in expected.items():
        if (told := _at(manifest, *keys)) != value:
            yield Fault(f"manifest.{'.'.join(keys)}", f"is {told!r}, not {value!r}: it is about something else", again)
    for keys in _facts(target.product):
        if not isinstance(_at(manifest, *keys), str):
            message = "is not there: the product has it, and what is deployed does not (yet)"
            yield Fault(f"manifest.{'.'.join(keys)}", message, again)


def _names(target: Target) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the physical name of everything that is written with its name, by its place in a manifest."""
    for room, kind in _NAMED.items():
        for part in getattr(target.product, room):
            yield (room, part.name, "name"), target.label.name(kind, part.name)


def _facts(product: Product) -> Iterator[tuple[str, ...]]:
    """Yield the places in a manifest of what nobody knows before it is deployed."""
    yield from (("databases", part.name, "id") for part in product.databases)
    yield from (("namespaces", part.name, "id") for part in product.namespaces)
    yield from (("workers", part.name, "release") for part in product.workers)


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _path(target: Path, here: Path) -> str:
    return PurePosixPath(os.path.relpath(target, here)).as_posix()
