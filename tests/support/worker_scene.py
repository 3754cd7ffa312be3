"""Whole stages for the rules about bindings, in each view in which the engine may show them, and ways to break them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from bulkhead.model.bindings import DurableObject, Json, PlainText, Service
from bulkhead.model.product import Product, Worker
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from policies.rules import worker_bindings
from tests.support.policy_scene import as_first_preview, make_resource, observed_in
from tests.support.second_product import BUNDLE
from tests.support.stages import PRODUCTS, render_stage, rendered_stage

RULES = {rule.name: rule for rule in worker_bindings.RULES}
NOT_GRANTED = RULES["worker-binding-not-granted"]
NOT_BOUND = RULES["worker-grant-not-bound"]
FOREIGN = RULES["binding-from-another-stage"]
OBJECTS = RULES["durable-object-of-another-worker"]
THEIRS = make_resource(t.D1_DATABASE, "theirs", id="their-id", uuid="their-id", name="harbor-production-d1-main")
AUDIT = make_resource(t.D1_DATABASE, "audit", id="audit-id", uuid="audit-id", name="harbor-staging-d1-audit")

FRONT = Worker(
    "front", BUNDLE, host="@", bindings=(DurableObject("ROOMS", "Room", "back"), Service("ADMIN", "back", "Admin"))
)
BACK = Worker("back", BUNDLE, owns=("Room",), bindings=(PlainText("EMPTY", ""), Json("LIMITS", {"b": 1, "a": [2]})))
SHARED = Product("tower", workers=(FRONT, BACK))

Scene = list[ObservedResource]


@cache
def _rendered(product: str, stack: str) -> tuple[ObservedResource, ...]:
    return tuple(observed_in(rendered_stage(product, stack) if product in PRODUCTS else render_stage(SHARED, stack)))


def _up(product: str, stack: str) -> Scene:
    """Return a stage as the engine shows it after an `up`: resources with the ids that the mocks have given them."""
    resources = _rendered(product, stack)
    told = {one.urn: replace(one, props={**one.props, **_ids(one, stack)}) for one in resources}
    return [_linked(one, told) for one in told.values()]


def _ids(resource: ObservedResource, stack: str) -> dict[str, str]:
    return {"id": f"{stack}-{resource.name}-id"} | (
        {"queueId": f"{resource.name}-queue-id"} if resource.type == t.QUEUE else {}
    )


def _linked(resource: ObservedResource, others: dict[str, ObservedResource]) -> ObservedResource:
    return replace(
        resource, depends={key: tuple(others[each.urn] for each in on) for key, on in resource.depends.items()}
    )


VIEWS: dict[str, Callable[[str, str], Scene]] = {
    "up": _up,
    "up, ids not shown": lambda product, stack: list(_rendered(product, stack)),
    "first preview": lambda product, stack: as_first_preview(_rendered(product, stack)),
}


def staging(view: str = "up") -> Scene:
    return VIEWS[view]("first", "staging")


def one(scene: Sequence[ObservedResource], name: str) -> ObservedResource:
    (it,) = (each for each in scene if each.name == name and each.type.startswith("cloudflare"))
    return it


def put(scene: Scene, new: ObservedResource) -> Scene:
    return [new if each.urn == new.urn else each for each in scene]


def rebound(version: ObservedResource, binding: str, **changes: Any) -> ObservedResource:
    """Return ``version`` with another binding of that name; a change to ``...`` takes a property away."""
    bindings = [dict(each) for each in version.props["bindings"]]
    if binding not in {each["name"] for each in bindings}:
        bindings.append({"name": binding})
    at = next(index for index, each in enumerate(bindings) if each["name"] == binding)
    kept = {key: value for key, value in (bindings[at] | changes).items() if value is not ...}
    return replace(version, props={**version.props, "bindings": [*bindings[:at], kept, *bindings[at + 1 :]]})


def unbound(version: ObservedResource, *names: str) -> ObservedResource:
    kept = [each for each in version.props["bindings"] if each["name"] not in names]
    return replace(version, props={**version.props, "bindings": kept})


def drawing(resource: ObservedResource, property_: str, *sources: ObservedResource) -> ObservedResource:
    """Return ``resource`` with a property whose value comes from these resources and no others."""
    return replace(resource, depends={**resource.depends, property_: sources})


def as_script(version: ObservedResource, name: str) -> ObservedResource:
    script = make_resource(t.WORKERS_SCRIPT, name, scriptName=name, bindings=version.props["bindings"])
    return drawing(script, "bindings", *version.depends["bindings"])
