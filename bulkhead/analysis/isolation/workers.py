"""Pointers of Workers (pure): what they are bound to, what they are made of, where they answer, what they consume."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from bulkhead.analysis.isolation.pointer import Kind, Place, Pointer, held, made, places, pointing, unknown
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.bindings import AI, Json, PlainText, Secret, VersionMetadata
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.values import MISSING, UNKNOWN, at
from policies.rules.worker_carriers import CARRIERS, TARGETS, carried

# What else a binding can name, as TARGETS has it. No program of this project makes such things, so that their names
# must say whose they are.
_OTHER_TARGETS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "hyperdrive": (("id",), ()),
    "mtls_certificate": (("certificateId",), ()),
    "pipelines": (("pipeline",), ()),
    "secrets_store_secret": (("storeId",), ()),
    "vectorize": (("indexName",), ()),
    "vpc_network": (("networkId", "tunnelId"), ()),
    "vpc_service": (("serviceId",), ()),
}
_LEADS_NOWHERE: Final = (AI, Json, PlainText, Secret, VersionMetadata)


def _bindings(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[Pointer]:
    for resource in plan.of(*CARRIERS):
        for bound in carried(as_observed(resource)):
            path = f"{CARRIERS[resource.type][1]}[{bound.shown}]"
            if not isinstance(bound.type, str) or bound.props is UNKNOWN:
                yield unknown(resource, path)
                continue
            keys, types = TARGETS.get(bound.type) or _OTHER_TARGETS.get(bound.type, ((), ()))
            for key in keys:
                if (value := at(bound.props, key)) is MISSING:
                    continue
                if types:
                    yield pointing(resource, f"{path}.{key}", value, made(*types)(plan))
                else:
                    yield _named(plan, resource, f"{path}.{key}", value)


def as_observed(resource: PlannedResource) -> ObservedResource:
    """Return a resource as the policies see it, secrets without their seal."""
    return ObservedResource(resource.type, resource.name, resource.urn, unsealed(resource.inputs))


def _named(plan: StagePlan, resource: PlannedResource, path: str, value: Any) -> Pointer:
    """What comes into being when it is first used has nothing but its name to say whose it is."""
    if value is UNKNOWN:
        return unknown(resource, path)
    own = isinstance(value, str) and value.startswith(f"{plan.prefix}-")
    return Pointer(resource, path, value, "" if own else f"does not begin with {plan.prefix}-")


def _hostnames(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[Pointer]:
    for type_, property_ in _HOSTNAMES:
        for resource in plan.of(type_):
            value = at(unsealed(resource.inputs), property_)
            if value is UNKNOWN:
                yield unknown(resource, property_)
            elif isinstance(value, str):
                yield _hostname(plan, others, resource, property_, value)


def _hostname(
    plan: StagePlan, others: Sequence[StagePlan], resource: PlannedResource, path: str, value: str
) -> Pointer:
    host = re.sub(r"^[a-z]+://", "", value.lower()).partition("/")[0]
    for other in others:
        answered = next((name for name in other.hostnames if "*" in host and fnmatchcase(name, host)), None)
        # A pattern takes in what is in its own zone.
        if answered and other.settings.cloudflare.zone_id == plan.settings.cloudflare.zone_id:
            wrong = f"takes in {answered}, where {other.environment} answers"
            return Pointer(resource, path, value, wrong, other.environment)
    owner = max(
        (each for each in (plan, *others) if is_below(host.lstrip("*."), each.settings.cloudflare.hostname)),
        key=lambda each: len(each.settings.cloudflare.hostname),
        default=None,
    )
    if owner is plan:
        return Pointer(resource, path, value)
    if owner is None:
        return Pointer(resource, path, value, f"is not below {plan.settings.cloudflare.hostname}")
    return Pointer(resource, path, value, f"is a hostname of {owner.environment}", owner.environment)


def is_below(hostname: str, apex: str) -> bool:
    """Whether a hostname is ``apex`` or has labels before it."""
    return f".{hostname}".endswith(f".{apex.lower()}")


_HOSTNAMES: Final = (
    (t.WORKERS_CUSTOM_DOMAIN, "hostname"),
    (t.WORKER_DOMAIN, "hostname"),
    (t.WORKERS_ROUTE, "pattern"),
    (t.R2_CUSTOM_DOMAIN, "domain"),
    (t.DNS_RECORD, "name"),
    (t.ZERO_TRUST_ACCESS_APPLICATION, "domain"),
)
_SCRIPT: Final = made(*t.SCRIPTS)
_QUEUE: Final = made(t.QUEUE)
_PARTS: Final = (
    Place(t.WORKER_VERSION, "workerId", _SCRIPT),
    Place(t.WORKERS_DEPLOYMENT, "scriptName", _SCRIPT),
    Place(t.WORKERS_DEPLOYMENT, "versions[].versionId", made(t.WORKER_VERSION)),
    Place(t.WORKERS_CRON_TRIGGER, "scriptName", _SCRIPT),
    Place(t.WORKERS_SCRIPT_SUBDOMAIN, "scriptName", _SCRIPT),
    Place(t.WORKERS_CUSTOM_DOMAIN, "service", _SCRIPT),
    Place(t.WORKER_DOMAIN, "service", _SCRIPT),
    Place(t.WORKERS_ROUTE, "script", _SCRIPT),
)
_CONSUMERS: Final = (
    Place(t.QUEUE_CONSUMER, "queueId", _QUEUE),
    Place(t.QUEUE_CONSUMER, "scriptName", _SCRIPT),
    Place(t.QUEUE_CONSUMER, "deadLetterQueue", _QUEUE),
)

KINDS: Final = (
    Kind(
        "Worker bindings",
        "The Worker reads and changes the other stage's data, and a test there meets real visitors",
        "bind a store or a Worker of the product; infra/components/workers.py finds the stage's own",
        _bindings,
        frozenset((type_, property_) for type_, (_, property_) in CARRIERS.items()),
        lambda plan: any(
            not isinstance(binding, _LEADS_NOWHERE) for worker in plan.product.workers for binding in worker.bindings
        ),
    ),
    Kind(
        "Worker parts",
        "Code or a schedule of this stage would run as the other stage's Worker",
        "name the Worker by the output of its resource",
        places(*_PARTS),
        held(*_PARTS),
        lambda plan: bool(plan.product.workers),
    ),
    Kind(
        "hostnames and routes",
        "Visitors of the other stage would be answered by this one",
        "take hostnames from cloudflare.hostname of the stage's own settings, and no pattern wider than that",
        _hostnames,
        frozenset(_HOSTNAMES),
        lambda plan: bool(plan.product.public_workers),
    ),
    Kind(
        "queue consumers",
        "Messages of one stage would be consumed by the other, and be lost to it",
        "name queue and Worker by the outputs of their resources",
        places(*_CONSUMERS),
        held(*_CONSUMERS),
        lambda plan: any(queue.consumer for queue in plan.product.queues),
    ),
)
