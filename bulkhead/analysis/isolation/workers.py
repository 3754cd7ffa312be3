"""References of Workers (pure): what they are bound to, what they are made of, where they answer, what they consume."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

from bulkhead.analysis.isolation.reference import (
    FoundReference,
    ReferenceKind,
    of_link,
    own_names,
    references,
    resolved,
    unknown,
)
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.bindings import AI, Json, PlainText, Secret, VersionMetadata
from bulkhead.resources import types as t
from bulkhead.resources.kind import Link
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
_ALIASES: Final = frozenset({"CNAME", "NS", "HTTPS", "SVCB"})  # records whose content is another name
_LEADS_NOWHERE: Final = (AI, Json, PlainText, Secret, VersionMetadata)


def _bindings(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[FoundReference]:
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
                    yield resolved(resource, f"{path}.{key}", value, own_names(plan, *types))
                else:
                    yield _named(plan, resource, f"{path}.{key}", value)


def as_observed(resource: PlannedResource) -> ObservedResource:
    """Return a resource as the policies see it, secrets without their seal."""
    return ObservedResource(resource.type, resource.name, resource.urn, unsealed(resource.inputs))


def _named(plan: StagePlan, resource: PlannedResource, path: str, value: Any) -> FoundReference:
    """What comes into being when it is first used has nothing but its name to say whose it is."""
    if value is UNKNOWN:
        return unknown(resource, path)
    own = isinstance(value, str) and value.startswith(plan.label.prefix)
    return FoundReference(resource, path, value, "" if own else f"does not begin with {plan.label.prefix}")


def _hostnames(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    for resource, _, path, value in references(plan, Link.HOSTNAME):
        if value is UNKNOWN:
            yield unknown(resource, path)
        elif isinstance(value, str):
            yield _hostname(plan, others, resource, path, value)
    for record in plan.of(t.DNS_RECORD):
        target = record.inputs.get("content")
        if record.inputs.get("type") in _ALIASES and isinstance(target, str):
            found = _hostname(plan, others, record, "content", target.rstrip("."))
            yield found if found.whose else replace(found, wrong="")  # most lead to somebody else's service


def _hostname(
    plan: StagePlan, others: Sequence[StagePlan], resource: PlannedResource, path: str, value: str
) -> FoundReference:
    host = re.sub(r"^[a-z]+://", "", value.lower()).partition("/")[0]
    for other in others:
        answered = next((name for name in other.hostnames if "*" in host and fnmatchcase(name, host)), None)
        # A pattern takes in what is in its own zone.
        if answered and other.settings.cloudflare.zone_id == plan.settings.cloudflare.zone_id:
            wrong = f"takes in {answered}, where {other.environment} answers"
            return FoundReference(resource, path, value, wrong, other.environment)
    owner = max(
        (each for each in (plan, *others) if is_below(host.lstrip("*."), each.settings.cloudflare.hostname)),
        key=lambda each: len(each.settings.cloudflare.hostname),
        default=None,
    )
    if owner is plan:
        return FoundReference(resource, path, value)
    if owner is None:
        return FoundReference(resource, path, value, f"is not below {plan.settings.cloudflare.hostname}")
    return FoundReference(resource, path, value, f"is a hostname of {owner.environment}", owner.environment)


def is_below(hostname: str, apex: str) -> bool:
    """Whether a hostname is ``apex`` or has labels before it."""
    return f".{hostname}".endswith(f".{apex.lower()}")


KINDS: Final = (
    ReferenceKind(
        "Worker bindings",
        "The Worker reads and changes the other stage's data, and a test there meets real visitors",
        "bind a store or a Worker of the product; infra/components/workers.py finds the stage's own",
        _bindings,
        frozenset((type_, property_) for type_, (_, property_) in CARRIERS.items()),
        lambda plan: any(
            not isinstance(binding, _LEADS_NOWHERE) for worker in plan.product.workers for binding in worker.bindings
        ),
    ),
    of_link(
        Link.WORKER,
        "Code or a schedule of this stage would run as the other stage's Worker",
        "name the Worker by the output of its resource",
        lambda plan: bool(plan.product.workers),
    ),
    of_link(
        Link.HOSTNAME,
        "Visitors of the other stage would be answered by this one",
        "take hostnames from cloudflare.hostname of the stage's own settings, and no pattern wider than that",
        lambda plan: bool(plan.product.public_workers),
        find=_hostnames,
    ),
    of_link(
        Link.VISITOR,
        "Whoever may change the other stage would say who gets into this one",
        "name the policy, group or service token by the output of its resource",
        lambda _: False,  # a stage may have none
    ),
    of_link(
        Link.CONSUMER,
        "Messages of one stage would be consumed by the other, and be lost to it",
        "name queue and Worker by the outputs of their resources",
        lambda plan: any(queue.consumer for queue in plan.product.queues),
    ),
)
