"""What exists in one environment's Cloudflare account, and which version of each Worker is live (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.worker_state import ALIVE
from bulkhead.resources import types as t


@dataclass(frozen=True, slots=True)
class Inventory:
    """One environment. Stores are known by the id that bindings use, queue names also by queue id; what belongs to a
    Worker is known by the Worker's name. ``paused`` are the queues that deliver nothing now.

    ``live`` are the versions that each Worker answers with, the oldest first, which has the Durable Objects of all;
    ``shares`` is how many of a hundred requests each gets. A Worker that was never deployed is not in either.
    """

    databases: tuple[str, ...]
    namespaces: tuple[str, ...]
    buckets: tuple[str, ...]
    queues: Mapping[str, str]
    paused: frozenset[str]
    workers: Mapping[str, Record]
    live: Mapping[str, tuple[Record, ...]]
    shares: Mapping[str, Mapping[str, float]]
    consumers: tuple[Record, ...]
    domains: tuple[Record, ...]
    crons: Mapping[str, tuple[str, ...]]

    def classes_of(self, worker: str) -> Mapping[str, bool]:
        """Return the Durable Object classes that a live Worker owns, and whether each keeps its data in SQLite."""
        return durable_classes(self.live[worker][0]) if worker in self.live else {}


def take(records: Iterable[Record]) -> Inventory:
    """Index the records of one environment, oldest first."""
    of_type: dict[str, list[Record]] = {}
    acts = []
    for record in records:
        of_type.setdefault(record.type, []).append(record)
        if record.type == t.WORKERS_DEPLOYMENT or (record.type == t.WORKER_VERSION and record.inputs.get("deploy")):
            acts.append(record)
    workers = {str(worker.inputs["name"]): worker for worker in of_type.get(t.WORKER, [])}
    versions = {version.id: version for version in of_type.get(t.WORKER_VERSION, [])}
    shares = _shares(acts, workers, versions)
    return Inventory(
        databases=tuple(database.id for database in of_type.get(t.D1_DATABASE, [])),
        namespaces=tuple(namespace.id for namespace in of_type.get(t.WORKERS_KV_NAMESPACE, [])),
        buckets=tuple(bucket.inputs["name"] for bucket in of_type.get(t.R2_BUCKET, [])),
        queues={queue.id: queue.inputs["queueName"] for queue in of_type.get(t.QUEUE, [])},
        paused=frozenset(
            queue.inputs["queueName"]
            for queue in of_type.get(t.QUEUE, [])
            if (queue.inputs.get("settings") or {}).get("deliveryPaused")
        ),
        workers=workers,
        live={
            worker: tuple(version for id_, version in versions.items() if id_ in of) for worker, of in shares.items()
        },
        shares=shares,
        consumers=tuple(of_type.get(t.QUEUE_CONSUMER, [])),
        domains=tuple(of_type.get(t.WORKERS_CUSTOM_DOMAIN, [])),
        crons={
            trigger.inputs["scriptName"]: tuple(schedule["cron"] for schedule in trigger.inputs["schedules"])
            for trigger in of_type.get(t.WORKERS_CRON_TRIGGER, [])
        },
    )


def worker_of(version: Record, workers: Mapping[str, Record]) -> str | None:
    """Return the name of the Worker of a version, None when there is none; the API takes the Worker's id or name."""
    given = version.inputs["workerId"]
    return next((name for name, worker in workers.items() if given in {name, worker.id}), None)


def durable_classes(version: Record) -> dict[str, bool]:
    """Return the Durable Object classes that are alive in a version, and whether each keeps its data in SQLite."""
    return {
        name: export.get("storage") == "sqlite"
        for name, export in _durable_exports(version).items()
        if export.get("state") in ALIVE
    }


def retired_classes(version: Record) -> list[str]:
    """Return the classes whose objects a deployment of this version deletes."""
    return [name for name, export in _durable_exports(version).items() if export.get("state") == "deleted"]


def _durable_exports(version: Record) -> Mapping[str, Mapping[str, str]]:
    exports: Mapping[str, Mapping[str, str]] = version.inputs.get("exports") or {}
    return {name: export for name, export in exports.items() if export.get("type") == "durable-object"}


def _shares(
    acts: Iterable[Record], workers: Mapping[str, Record], versions: Mapping[str, Record]
) -> dict[str, Mapping[str, float]]:
    # A version may deploy itself, which equals a deployment; the newest of both counts.
    shares: dict[str, Mapping[str, float]] = {}
    for act in acts:
        if act.type == t.WORKERS_DEPLOYMENT:
            worker = act.inputs["scriptName"]
            of = {
                share["versionId"]: share["percentage"]
                for share in act.inputs["versions"]
                if share["versionId"] in versions
            }
        else:
            worker, of = worker_of(act, workers), {act.id: 100}
        if worker in workers and of:
            shares[str(worker)] = of
    return shares
