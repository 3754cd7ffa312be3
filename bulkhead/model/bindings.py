"""The typed union of Worker bindings (pure): what a Worker may touch, and how that is said to Cloudflare.

A binding names a *logical* store or Worker of the product. ``wire`` turns it into the shape Cloudflare's API takes,
asking ``References`` for physical ids; in the program those are outputs, in a test plain strings.
Shapes: Cloudflare API, `workers/scripts/versions`, member `bindings`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

Access = Literal["read", "read-write"]
# The methods that change nothing: all that the code may call where `access` is "read".
READING: Final[Mapping[str, tuple[str, ...]]] = {
    "KV": ("get", "getWithMetadata", "list"),
    "R2": ("get", "head", "list"),
}


class References(Protocol):
    """Physical ids and names of what a binding points at. Each answer may be a plain value or an output."""

    def database_id(self, database: str) -> Any: ...
    def namespace_id(self, namespace: str) -> Any: ...
    def bucket_name(self, bucket: str) -> Any: ...
    def queue_name(self, queue: str) -> Any: ...
    def worker_name(self, worker: str) -> Any: ...
    def dataset_name(self, dataset: str) -> Any: ...
    def secret(self, secret: str) -> Any: ...


STORES: Final[Mapping[str, str]] = {"d1": "database_id", "kv_namespace": "namespace_id", "r2_bucket": "bucket_name"}
"""Of the bindings that lead to data, the property that says to which."""


@dataclass(frozen=True, slots=True)
class D1:
    """Read and write one database.

    ``access="read"`` is refused: only the text of a statement says whether it writes, and no type can check that. A
    Worker that only reads binds the `Service` of the Worker that owns the database, by the entrypoint that reads.
    """

    name: str
    database: str
    access: Access = "read-write"

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "d1", "name": self.name, "database_id": refs.database_id(self.database)}


@dataclass(frozen=True, slots=True)
class KV:
    """Read and write one key-value namespace, or only read it.

    ``access="read"`` is a guard against mistakes: the Worker's env type lacks the writing methods, and `bulkhead
    bindings check` refuses to lose that type. Cloudflare enforces nothing of it.
    """

    name: str
    namespace: str
    access: Access = "read-write"

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "kv_namespace", "name": self.name, "namespace_id": refs.namespace_id(self.namespace)}


@dataclass(frozen=True, slots=True)
class R2:
    """Read and write one bucket, or only read it.

    ``access="read"`` is a guard against mistakes: the Worker's env type lacks the writing methods, and `bulkhead
    bindings check` refuses to lose that type. Cloudflare enforces nothing of it.
    """

    name: str
    bucket: str
    access: Access = "read-write"

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "r2_bucket", "name": self.name, "bucket_name": refs.bucket_name(self.bucket)}


@dataclass(frozen=True, slots=True)
class DurableObject:
    """Reach the objects of one class: of this Worker, or of ``worker`` when another Worker owns the class."""

    name: str
    class_name: str
    worker: str | None = None

    def wire(self, refs: References) -> dict[str, Any]:
        own = {"type": "durable_object_namespace", "name": self.name, "class_name": self.class_name}
        return own if self.worker is None else own | {"script_name": refs.worker_name(self.worker)}


@dataclass(frozen=True, slots=True)
class Service:
    """Call another Worker of the same stage, without passing the public internet."""

    name: str
    worker: str
    entrypoint: str | None = None

    def wire(self, refs: References) -> dict[str, Any]:
        target = {"type": "service", "name": self.name, "service": refs.worker_name(self.worker)}
        return target if self.entrypoint is None else target | {"entrypoint": self.entrypoint}


@dataclass(frozen=True, slots=True)
class QueueProducer:
    """Send messages to one queue; the right to consume is the queue's own `consumer`."""

    name: str
    queue: str

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "queue", "name": self.name, "queue_name": refs.queue_name(self.queue)}


@dataclass(frozen=True, slots=True)
class AI:
    """Run models of Workers AI."""

    name: str

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "ai", "name": self.name}


@dataclass(frozen=True, slots=True)
class AnalyticsEngine:
    """Write data points to one dataset; Cloudflare makes the dataset on the first write."""

    name: str
    dataset: str

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "analytics_engine", "name": self.name, "dataset": refs.dataset_name(self.dataset)}


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of the product as encrypted text; the value comes from ``secrets:<secret>`` of the stage."""

    name: str
    secret: str

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "secret_text", "name": self.name, "text": refs.secret(self.secret)}


@dataclass(frozen=True, slots=True)
class PlainText:
    """One non-secret value that is the same in every stage."""

    name: str
    text: str

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "plain_text", "name": self.name, "text": self.text}


@dataclass(frozen=True, slots=True)
class Json:
    """One non-secret JSON value that is the same in every stage; read by the Worker as an object."""

    name: str
    value: Mapping[str, Any]

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "json", "name": self.name, "json": json.dumps(self.value, sort_keys=True)}


@dataclass(frozen=True, slots=True)
class VersionMetadata:
    """The id and tag of the version that is running."""

    name: str

    def wire(self, refs: References) -> dict[str, Any]:
        return {"type": "version_metadata", "name": self.name}


Binding = (
    D1
    | KV
    | R2
    | DurableObject
    | Service
    | QueueProducer
    | AI
    | AnalyticsEngine
    | Secret
    | PlainText
    | Json
    | VersionMetadata
)


def reading(binding: Binding) -> tuple[str, ...]:
    """Return the methods that code may call on a read-only binding; empty for every other binding."""
    return READING[type(binding).__name__] if isinstance(binding, KV | R2) and binding.access == "read" else ()


def by_name(bindings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the bindings sorted by name.

    Cloudflare answers in an order of its own; on an immutable version a changed order means a new version at every
    `up` (cloudflare/terraform-provider-cloudflare#7363, #7370).
    """
    return sorted(bindings, key=lambda binding: str(binding["name"]))
