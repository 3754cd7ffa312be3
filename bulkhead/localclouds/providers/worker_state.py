"""Reads the state of Workers from the store: live versions, existing Durable Object classes, and bindings to a
store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import Within, now
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.resources import types as t

ALIVE: Final = (None, "created", "expecting-transfer")
MADE: Final = ("createdOn", "source", "authorEmail")
"""What the API remembers of the making of a version or of a deployment."""


def made_by(caller: Caller) -> Properties:
    """Return what the API remembers of a version or a deployment that ``caller`` makes now."""
    told = (now(), caller.config.get("source", "terraform"), caller.config.get("author", ""))
    return dict(zip(MADE, told, strict=True))


def find_worker(store: Store, account: str, reference: str) -> Record | None:
    """Return the Worker of this id or name."""
    for worker in store.all(type_=t.WORKER):
        if worker.account == account and reference in (worker.id, worker.outputs["name"]):
            return worker
    return None


def live_versions(store: Store, worker: Record) -> list[Record]:
    """Return the versions that serve the Worker now: those of its newest deployment, whoever made it."""
    return _live_among(store.all(), worker)


def _live_among(records: Iterable[Record], worker: Record) -> list[Record]:
    live: list[Record] = []
    versions: dict[str, Record] = {}
    for record in records:
        if record.type == t.WORKER_VERSION and is_of(worker, record, "workerId"):
            versions[record.id] = record
            if record.outputs.get("deploy"):
                live = [record]
        elif record.type == t.WORKERS_DEPLOYMENT and is_of(worker, record, "scriptName"):
            found = (versions.get(share["versionId"]) for share in record.outputs["versions"])
            live = [version for version in found if version is not None]
    return live


def durable_object_classes(store: Store, worker: Record) -> frozenset[str]:
    """Return the Durable Object classes that the Worker's deployments have created and not deleted."""
    classes: frozenset[str] = frozenset()
    for version in store.all(type_=t.WORKER_VERSION):
        if is_of(worker, version, "workerId") and version.outputs.get("deploy"):
            classes = classes_after(classes, version.outputs)
    return classes


def binding_workers(store: Store, account: str, kind: str, key: str, target: str) -> list[str]:
    """Return the names of the Workers whose live versions have a binding of ``kind`` that points at ``target``."""
    records = store.all()
    return [
        worker.outputs["name"]
        for worker in records
        if worker.type == t.WORKER
        and worker.account == account
        and any(
            binding["type"] == kind and binding.get(key) == target
            for version in _live_among(records, worker)
            for binding in version.outputs.get("bindings", ())
        )
    ]


def not_deployed(store: Store, account: str, script: str) -> Iterator[str]:
    """Yield why nothing can be sent to this script yet."""
    worker = find_worker(store, account, script)
    if worker is None:
        yield f"Worker {script!r} does not exist [code: 10007]"
    elif not live_versions(store, worker):
        yield f"Worker {script!r} has no deployment yet, so there is no code to send anything to [code: 10007]"


def is_of(worker: Record, record: Record, key: str) -> bool:
    """Whether ``key`` of the record names the Worker, by id or by name."""
    return Within(t.WORKER, {key: "name"}).holds(worker, record)


def classes_after(classes: frozenset[str], version: Properties) -> frozenset[str]:
    """Return the classes after a version with these ``exports`` or ``migrations`` is deployed."""
    exports = {
        name: export for name, export in version.get("exports", {}).items() if export["type"] == "durable-object"
    }
    born = {name for name, export in exports.items() if export.get("state") in ALIVE}
    after = (classes - exports.keys()) | born
    migrations = version.get("migrations", {})
    for step in [*migrations.get("steps", []), migrations]:
        renamed = step.get("renamedClasses", [])
        moved = step.get("transferredClasses", [])
        after -= {*step.get("deletedClasses", []), *(rename["from"] for rename in renamed)}
        after |= {*step.get("newClasses", []), *step.get("newSqliteClasses", [])}
        after |= {change["to"] for change in [*renamed, *moved]}
    return after
