"""Reads the bindings of Workers from every type that carries bindings, and finds the resources that they point to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Worker
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import NAMED_BY
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed
from policies.context import PolicyContext

# The types that carry bindings: the property that names the Worker, and the property that holds the bindings.
CARRIERS: Final[Mapping[str, tuple[str, str]]] = {
    t.WORKER_VERSION: ("workerId", "bindings"),
    t.WORKERS_SCRIPT: ("scriptName", "bindings"),
    t.WORKER_SCRIPT: ("scriptName", "bindings"),
    t.PAGES_PROJECT: ("name", "deploymentConfigs"),
    t.WORKER: ("name", "previewsBaseConfig"),
}
UPLOADS: Final = (t.WORKER_VERSION, t.WORKERS_SCRIPT, t.WORKER_SCRIPT)
OBJECTS: Final = "durable_object_namespace"
BY_ID: Final = ("d1", "kv_namespace")
# The property of a binding's target, and the target's types. `id` is D1's legacy spelling. Other properties are
# ignored: the provider plans to learn `databaseId`, and a class's `namespaceId`, for bindings of any type.
TARGETS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "d1": (("databaseId", "id"), (t.D1_DATABASE,)),
    "kv_namespace": (("namespaceId",), (t.WORKERS_KV_NAMESPACE,)),
    "r2_bucket": (("bucketName",), (t.R2_BUCKET,)),
    "queue": (("queueName",), (t.QUEUE,)),
    "service": (("service",), t.SCRIPTS),
    OBJECTS: (("scriptName",), t.SCRIPTS),
    "workflow": (("scriptName",), t.SCRIPTS),
    "analytics_engine": (("dataset",), ()),
    "dispatch_namespace": (("namespace",), ()),
}
TARGET_TYPES: Final = frozenset(type_ for _, types in TARGETS.values() for type_ in types)
_PAGES: Final = {
    "aiBindings": "ai",
    "analyticsEngineDatasets": "analytics_engine",
    "browsers": "browser",
    "d1Databases": "d1",
    "durableObjectNamespaces": OBJECTS,
    "envVars": "",  # each says its own
    "hyperdriveBindings": "hyperdrive",
    "kvNamespaces": "kv_namespace",
    "mtlsCertificates": "mtls_certificate",
    "queueProducers": "queue",
    "r2Buckets": "r2_bucket",
    "services": "service",
    "vectorizeBindings": "vectorize",
}
_RESPELT: Final = {
    "queueProducers": ("name", "queueName"),
    "r2Buckets": ("name", "bucketName"),
    "envVars": ("value", "text"),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """One binding of any carrier. ``props`` are spelt as in a Worker's version; each of the three fields may be
    UNKNOWN."""

    name: Any
    type: Any
    props: Any

    @property
    def shown(self) -> str:
        return self.name if isinstance(self.name, str) else "whose name is not known yet"


def carried(resource: ObservedResource) -> Iterator[Bound]:
    """Yield the bindings of one of CARRIERS; if some are not known, one of them is UNKNOWN."""
    if resource.type == t.PAGES_PROJECT:
        for config in ("preview", "production"):
            for group, type_ in _PAGES.items():
                old, new = _RESPELT.get(group, ("", ""))
                for name, item in _entries(at(resource.props, "deploymentConfigs", config, group)):
                    known = isinstance(item, Mapping)
                    props = {new if key == old else key: value for key, value in item.items()} if known else item
                    yield Bound(name, type_ or _type(item), props)
    elif resource.type == t.WORKER:
        for name, item in _entries(resource["previewsBaseConfig.env"]):
            yield Bound(name, _type(item), item)
    else:
        for item in [UNKNOWN] if resource["bindings"] is UNKNOWN else listed(resource.props, "bindings"):
            yield Bound(_word(item, "name"), _type(item), item)


def holder(resource: ObservedResource) -> str:
    """Return the property in which a carrier holds its bindings."""
    return CARRIERS[resource.type][1]


def owners(stack: ObservedStack, resource: ObservedResource, context: PolicyContext) -> tuple[Worker, ...]:
    """Return the product's Workers whose bindings a carrier may hold: one, none, or all if that is not known."""
    property_ = CARRIERS[resource.type][0]
    value = resource[property_]
    named = [value]
    if resource.type == t.WORKER_VERSION or value is UNKNOWN:  # a version says its Worker by id or by name
        named = names_of(candidate_targets(stack, resource, property_, value, *t.SCRIPTS)) or [value]
    if UNKNOWN in named:
        return context.product.workers
    return tuple(worker for worker in context.product.workers if context.label.name(Kind.WORKER, worker.name) in named)


def candidate_targets(
    stack: ObservedStack, resource: ObservedResource, property_: str, value: Any, *types: str
) -> list[ObservedResource]:
    """Return the resources of ``types`` that ``value``, an id in a top-level property, may stand for: the one that has
    it, else those that the property depends on and whose id is not known yet. None where the value comes from no
    resource of this stack."""
    if value is UNKNOWN:
        return list(resource.sources(property_, *types))
    return [each for each in stack.of(*types) if has_id(each, value)] or sources_without_id(resource, property_, *types)


def sources_without_id(resource: ObservedResource, property_: str, *types: str) -> list[ObservedResource]:
    """Return the resources of ``types`` that a property's value comes from and whose ids are not known yet."""
    return [each for each in resource.sources(property_, *types) if not any(isinstance(id_, str) for id_ in _ids(each))]


def has_id(resource: ObservedResource, value: Any) -> bool:
    return isinstance(value, str) and value in _ids(resource)


def names_of(resources: Iterable[ObservedResource]) -> list[Any]:
    """Return the names of resources; one that says none gets one that is not known."""
    names = (each[NAMED_BY[each.type]] for each in resources)
    return [name if isinstance(name, str) else UNKNOWN for name in names]


def _ids(resource: ObservedResource) -> list[Any]:
    return [resource["id"], resource["uuid"], resource["queueId"]]


def target_values(bound: Bound) -> list[Any]:
    """Return the ids or names of a binding's target; UNKNOWN if they are not known."""
    keys, _ = TARGETS.get(bound.type, ((), ()))
    values = [value for key in keys if (value := _word(bound.props, key)) is not MISSING and value != ""]
    return [value for value in values if value is not UNKNOWN] or values


def reached(stack: ObservedStack, resource: ObservedResource, bound: Bound) -> list[list[Any]]:
    """Return for each value that says a binding's target the names of what it may be: UNKNOWN among them where that
    cannot be told, none where it is an id that belongs to nothing in this stack."""
    _, types = TARGETS.get(bound.type, ((), ()))
    values = target_values(bound)
    if bound.type in BY_ID:
        return [names_of(candidate_targets(stack, resource, holder(resource), value, *types)) for value in values]
    # A class of the Worker's own has no script; the provider plans to learn it from the API.
    sources = names_of(resource.sources(holder(resource), *types)) if bound.type == "service" or len(types) == 1 else []
    return [[value] if value is not UNKNOWN else sources or [UNKNOWN] for value in values]


@dataclass(frozen=True, slots=True)
class _Physical:
    """The names of a grant's targets in this stage (bulkhead.model.bindings.References)."""

    label: Label

    def database_id(self, database: str) -> str:
        return self.label.name(Kind.D1, database)

    def namespace_id(self, namespace: str) -> str:
        return self.label.name(Kind.KV, namespace)

    def bucket_name(self, bucket: str) -> str:
        return self.label.name(Kind.R2, bucket)

    def queue_name(self, queue: str) -> str:
        return self.label.name(Kind.QUEUE, queue)

    def worker_name(self, worker: str) -> str:
        return self.label.name(Kind.WORKER, worker)

    def dataset_name(self, dataset: str) -> str:
        return self.label.name(Kind.DATASET, dataset)

    def secret(self, secret: str) -> Any:
        return UNKNOWN  # no rule needs to know it


def granted_to(worker: Worker, context: PolicyContext) -> dict[str, dict[str, Any]]:
    """Return what the product grants, by the binding's name, in Cloudflare's shape with names in place of ids."""
    physical = _Physical(context.label)
    return {binding.name: binding.wire(physical) for binding in worker.bindings}


def _entries(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return [(UNKNOWN, UNKNOWN)] if value is UNKNOWN else []


def _type(item: Any) -> Any:
    type_ = _word(item, "type")
    return type_.lower() if isinstance(type_, str) else type_  # the provider takes a type in any case


def _word(item: Any, key: str) -> Any:
    """Return a text, UNKNOWN or MISSING; no name or type is anything else."""
    value = at(item, key)
    return value if isinstance(value, str) or value is UNKNOWN else MISSING
