"""Rules about a Worker's bindings: exactly those that the product grants it, and none to another stage."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from bulkhead.model.bindings import STORES, DurableObject
from bulkhead.model.naming import Kind
from bulkhead.model.product import STAGE_VARIABLES, Worker
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, StackRule, Violation
from policies.rules.worker_carriers import (
    BY_ID,
    CARRIERS,
    OBJECTS,
    TARGET_TYPES,
    TARGETS,
    UPLOADS,
    Bound,
    candidate_targets,
    carried,
    granted_to,
    has_id,
    holder,
    names_of,
    owners,
    reached,
    sources_without_id,
    target_values,
)

_NOT_GRANTED: Final = "is not granted to it"
_PLAIN: Final = ("plain_text", "json")
# The property of each binding's target, as bulkhead.model.bindings spells it.
_SPELT: Final = {
    **STORES,
    "queue": "queue_name",
    "service": "service",
    OBJECTS: "script_name",
    "analytics_engine": "dataset",
}
# Properties that lead to another place although the target's name is right, and their harmless values.
_TURNS: Final = {
    "entrypoint": "default",
    "environment": "production",
    "jurisdiction": "default",
    "dispatchNamespace": "",
}


def _not_granted(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for resource in stack.of(*CARRIERS):
        grants = {_own(w, context): granted_to(w, context) for w in owners(stack, resource, context)}
        allowed = {*grants, *(v for granted in grants.values() for wire in granted.values() for v in wire.values())}
        for bound in carried(resource):
            if bound.name is UNKNOWN or _is_granted_to_all(bound):
                continue
            differences = [_difference(stack, resource, bound, granted, own) for own, granted in grants.items()]
            if all(differences):
                allowed.update(name for names in reached(stack, resource, bound) for name in names)
                closest = next((each for each in differences if each != _NOT_GRANTED), _NOT_GRANTED)
                yield _excess(resource, f"its binding {bound.name} {closest}")
        for name in sorted(name for name in _sources(resource) if name not in allowed):
            yield _excess(resource, f"its bindings take a value from {name}, which {_NOT_GRANTED}")


def _excess(resource: ObservedResource, wrong: str) -> Violation:
    return Violation(
        wrong,
        "Whoever takes over this Worker reads and changes what it never needed",
        "bind exactly what the product grants, or grant it in the product",
        resource,
    )


def _own(worker: Worker, context: PolicyContext) -> str:
    return context.label.name(Kind.WORKER, worker.name)


def _sources(resource: ObservedResource) -> set[str]:
    return {name for name in names_of(resource.sources(holder(resource), *TARGET_TYPES)) if isinstance(name, str)}


def _is_granted_to_all(bound: Bound) -> bool:
    """Whether every Worker may have a binding: the stage's variables, and the version that is running."""
    return bound.type == "version_metadata" or (bound.name in STAGE_VARIABLES and bound.type in {*_PLAIN, UNKNOWN})


def _difference(
    stack: ObservedStack, resource: ObservedResource, bound: Bound, granted: Mapping[str, Mapping[str, Any]], own: str
) -> str:
    """Return how a binding differs from the grant of its name; empty if it does not."""
    wanted = granted.get(bound.name)
    return _NOT_GRANTED if wanted is None else next(_differences(stack, resource, bound, wanted, own), "")


def _differences(
    stack: ObservedStack, resource: ObservedResource, bound: Bound, wanted: Mapping[str, Any], own: str
) -> Iterator[str]:
    if bound.type is UNKNOWN:
        return
    if bound.type != wanted["type"]:
        yield f"is of type {bound.type}, but {wanted['type']} is granted"
        return
    target = wanted.get(_SPELT.get(bound.type, ""), own if bound.type == OBJECTS else MISSING)
    places = reached(stack, resource, bound)
    for names in places:
        if target not in names and UNKNOWN not in names:
            yield f"leads to {' or '.join(sorted(names)) or 'nothing of this stack'}, but {target} is granted"
    if resource.type != t.WORKER:  # in the SDK, bindings of previews have only a type
        if not places and _SPELT.get(bound.type) in wanted:
            yield f"leads nowhere, but {target} is granted"
        yield from _details(bound, wanted)


def _details(bound: Bound, wanted: Mapping[str, Any]) -> Iterator[str]:
    for key, usual in _TURNS.items():
        value = at(bound.props, key)
        same = (wanted[key],) if key in wanted else (MISSING, "", usual)
        if value not in (UNKNOWN, *same):
            yield f"has another {key}"
    if bound.type == OBJECTS and at(bound.props, "className") not in (UNKNOWN, wanted["class_name"]):
        yield "has another class"
    if bound.type == "plain_text" and at(bound.props, "text") not in (
        UNKNOWN,
        wanted["text"] or MISSING,
        wanted["text"],
    ):
        yield "has another value"
    if bound.type == "json" and document(bound.props, "json") not in (UNKNOWN, json.loads(wanted["json"])):
        yield "has another value"


def _not_bound(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for resource in stack.of(*UPLOADS):
        names = [bound.name for bound in carried(resource)]
        missing = [sorted(set(worker.granted()) - set(names)) for worker in owners(stack, resource, context)]
        fewest = min(missing, key=len, default=[])
        if resource["bindings"] is not UNKNOWN and len(fewest) > names.count(UNKNOWN):
            yield Violation(
                f"lacks what the product grants or the stage tells every Worker: {', '.join(fewest)}",
                "The Worker fails at the first request that needs it",
                "bind everything that the product grants, and bulkhead.model.variables.stage_variables",
                resource,
            )


def _another_stage(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for resource in stack.of(*CARRIERS):
        bindings = list(carried(resource))
        found = [name for bound in bindings for names in reached(stack, resource, bound) for name in names]
        found += [at(bound.props, "outbound", "worker", "service") for bound in bindings]
        names = {name for name in found if isinstance(name, str)} | _sources(resource)
        for name in sorted(name for name in names if not name.startswith(context.prefix)):
            yield _foreign(resource, f"is bound to {name}, which is not of this stage")
        for bound in bindings:
            if bound.name is not UNKNOWN and _lost(stack, resource, bound, bindings, context):
                yield _foreign(
                    resource, f"its binding {bound.name} of type {bound.type} leads to nothing of this stack"
                )


def _foreign(resource: ObservedResource, wrong: str) -> Violation:
    return Violation(
        wrong,
        "A request to this stage would read and change the data of another",
        "bind the stage's own store or Worker, by the outputs of its resource",
        resource,
    )


def _lost(
    stack: ObservedStack, resource: ObservedResource, bound: Bound, bindings: Collection[Bound], context: PolicyContext
) -> bool:
    """Whether a binding points to an id that belongs to no resource of this stack."""
    if bound.type in BY_ID:
        return _loose(stack, resource, bound, bindings)
    namespace = at(bound.props, "namespaceId")
    if bound.type == OBJECTS and at(bound.props, "className") is MISSING and isinstance(namespace, str):
        others = (each for other in stack.of(*UPLOADS) for each in carried(other) if each.type == OBJECTS)
        return all(at(other.props, "namespaceId") != namespace for other in others)
    if bound.type == "secrets_store_secret" and resource.type != t.WORKER:
        kept = (_same_secret(bound, each, context) for each in stack.of(t.SECRETS_STORE_SECRET))
        return not any(kept)
    return False


def _loose(stack: ObservedStack, resource: ObservedResource, bound: Bound, bindings: Collection[Bound]) -> bool:
    _, types = TARGETS[bound.type]
    if any(not candidate_targets(stack, resource, holder(resource), value, *types) for value in target_values(bound)):
        return True
    # There cannot be more literal ids than resources whose ids are not known; an unknown value is one of those.
    candidates = stack.of(*types)
    values = {value for each in bindings if each.type == bound.type for value in target_values(each)}
    literal = {
        value for value in values if value is not UNKNOWN and not any(has_id(each, value) for each in candidates)
    }
    room = sources_without_id(resource, holder(resource), *types)
    taken = UNKNOWN in values and len(room) == len(resource.sources(holder(resource), *types))
    return bool(literal & set(target_values(bound))) and len(literal) + taken > len(room)


def _same_secret(bound: Bound, kept: ObservedResource, context: PolicyContext) -> bool:
    pairs = [(at(bound.props, "secretName"), kept["name"]), (at(bound.props, "storeId"), kept["storeId"])]
    own = kept["name"] is UNKNOWN or str(kept["name"]).startswith(context.prefix)
    return own and all(UNKNOWN in pair or pair[0] == pair[1] for pair in pairs)


def _objects(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for resource in stack.of(*CARRIERS):
        workers = owners(stack, resource, context)
        allowed = {(name, owner) for worker in workers for name, owner in _classes(worker, context)}
        own = {_own(worker, context) for worker in workers}
        for bound in (each for each in carried(resource) if each.type == OBJECTS and each.props is not UNKNOWN):
            class_, script = at(bound.props, "className"), at(bound.props, "scriptName")
            scripts = own if script in (MISSING, "") else {script}
            fits = any(class_ in (UNKNOWN, name) and scripts & {UNKNOWN, owner} for name, owner in allowed)
            if not fits and not (resource.type == t.WORKER and class_ is MISSING):
                yield _reaches(
                    resource, f"its binding {bound.name} reaches objects of a class not its own nor granted to it"
                )
        if resource.type in UPLOADS and any(
            isinstance(script, str) and script not in own for script in _transfers(resource)
        ):
            yield _reaches(resource, "takes over Durable Objects of another Worker, or hands its own to one")


def _reaches(resource: ObservedResource, wrong: str) -> Violation:
    return Violation(
        wrong,
        "It could read and change conversations, bookings or whatever another Worker keeps in them",
        "grant the class in the product, as DurableObject with the Worker that owns it",
        resource,
    )


def _classes(worker: Worker, context: PolicyContext) -> Iterator[tuple[str, str]]:
    for name in worker.owns:
        yield name, _own(worker, context)
    for binding in worker.bindings:
        if isinstance(binding, DurableObject):
            yield binding.class_name, context.label.name(Kind.WORKER, binding.worker or worker.name)


def _transfers(resource: ObservedResource) -> Iterator[Any]:
    """Yield the Workers that an upload moves Durable Objects from or to."""
    for step in (resource["migrations"], *listed(resource.props, "migrations", "steps")):
        for class_ in listed(step, "transferredClasses"):
            yield at(class_, "fromScript")
    exports = resource["exports"]
    for export in exports.values() if isinstance(exports, Mapping) else ():
        yield from (at(export, "transferFrom"), at(export, "transferredTo"))


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "worker-binding-not-granted",
        ("SEC-5", "SEC-6"),
        "A Worker is bound to what the product grants it and to nothing else",
        _not_granted,
    ),
    StackRule(
        "worker-grant-not-bound", ("ENV-11",), "A Worker has everything it needs before it is deployed", _not_bound
    ),
    StackRule("binding-from-another-stage", ("ENV-3", "ENV-1"), "No Worker reaches into another stage", _another_stage),
    StackRule(
        "durable-object-of-another-worker",
        ("SEC-5",),
        "Durable Objects are reached by their own Worker and by those the product names",
        _objects,
    ),
)
