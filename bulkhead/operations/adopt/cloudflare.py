"""Finds Cloudflare's resources by name, with the ids of their imports.

Import ids: the resources' own documentation. Lists: Cloudflare's API reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bulkhead.clients.rest import Rest
from bulkhead.operations.adopt.finding import Found, Wanted
from bulkhead.resources import types as t

Look = Callable[["CloudflareFinder", Wanted], Found | None]


class CloudflareFinder:
    """Finds named resources in the account that the resource itself names. Each list is read once."""

    def __init__(self, api: Rest) -> None:
        self.api = api
        self._lists: dict[str, list[Any]] = {}

    def knows(self, type_: str) -> bool:
        return type_ in _LOOKS

    def find(self, wanted: Wanted) -> Found | None:
        return _LOOKS[wanted.type](self, wanted)

    def items(self, path: str) -> list[Any]:
        """Return every item of the list at ``path``."""
        if path not in self._lists:
            self._lists[path] = list(self.api.every(path))
        return self._lists[path]


def _listed(path: str, named: str, property_: str, id_: str, within: str = "") -> Look:
    """Look through a list for the item whose member ``named`` is the input ``property_``; the member ``id_`` is its
    id. ``within`` is what an import says before the account of a type that may be in a zone instead."""

    def look(finder: CloudflareFinder, wanted: Wanted) -> Found | None:
        account = wanted.inputs["accountId"]
        for item in finder.items(f"/accounts/{account}/{path}"):
            if item.get(named) == wanted.inputs[property_] and item[id_] not in wanted.known:
                return Found(item[id_], f"{within}{account}/{item[id_]}")
        return None

    return look


def _bucket(finder: CloudflareFinder, wanted: Wanted) -> Found | None:
    account, name = wanted.inputs["accountId"], wanted.inputs["name"]
    found = finder.api.get(f"/accounts/{account}/r2/buckets/{name}")
    return None if found is None else Found(name, f"{account}/{name}/{found.get('jurisdiction') or 'default'}")


def _consumer(finder: CloudflareFinder, wanted: Wanted) -> Found | None:
    """A queue that does not exist has no id, and no consumer either. Of consumers only a Worker is in the way."""
    account, queue = wanted.inputs["accountId"], wanted.inputs.get("queueId")
    for consumer in finder.items(f"/accounts/{account}/queues/{queue}/consumers") if queue else ():
        if consumer.get("type", "worker") == "worker":
            id_ = consumer["consumer_id"]
            return Found(id_, f"{account}/{queue}/{id_}")
    return None


def _crons(finder: CloudflareFinder, wanted: Wanted) -> Found | None:
    """A Worker without a schedule answers with an empty list, an absent one with 404."""
    account, script = wanted.inputs["accountId"], wanted.inputs["scriptName"]
    found = finder.api.get(f"/accounts/{account}/workers/scripts/{script}/schedules")
    return Found(script, f"{account}/{script}") if found and found.get("schedules") else None


def _route(finder: CloudflareFinder, wanted: Wanted) -> Found | None:
    zone = wanted.inputs["zoneId"]
    for route in finder.items(f"/zones/{zone}/workers/routes"):
        if route["pattern"] == wanted.inputs["pattern"] and route["id"] not in wanted.known:
            return Found(route["id"], f"{zone}/{route['id']}")
    return None


_LOOKS: Final[Mapping[str, Look]] = {
    t.QUEUE_CONSUMER: _consumer,
    t.ACCOUNT_TOKEN: _listed("tokens", "name", "name", "id"),
    t.D1_DATABASE: _listed("d1/database", "name", "name", "uuid"),
    t.QUEUE: _listed("queues", "queue_name", "queueName", "queue_id"),
    t.R2_BUCKET: _bucket,
    t.ZERO_TRUST_ACCESS_APPLICATION: _listed("access/apps", "name", "name", "id", within="accounts/"),
    t.ZERO_TRUST_ACCESS_POLICY: _listed("access/policies", "name", "name", "id"),
    t.ZERO_TRUST_ACCESS_SERVICE_TOKEN: _listed("access/service_tokens", "name", "name", "id", within="accounts/"),
    t.WORKER: _listed("workers/workers", "name", "name", "id"),
    t.WORKERS_CRON_TRIGGER: _crons,
    t.WORKERS_CUSTOM_DOMAIN: _listed("workers/domains", "hostname", "hostname", "id"),
    t.WORKERS_ROUTE: _route,
    t.WORKERS_KV_NAMESPACE: _listed("storage/kv/namespaces", "title", "title", "id"),
}
