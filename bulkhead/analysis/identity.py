"""What a resource is called in its cloud, and what makes it the same thing as another one (pure)."""

from __future__ import annotations

from typing import Any, Final

from bulkhead.analysis.clouds import DEFAULTS, account_of
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources.catalogue import NAMED_BY, row_of
from bulkhead.resources.kind import ResourceType, Scope
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.values import MISSING, UNKNOWN, at

# Says whose a thing is, and nothing of which one it is.
_WHOSE: Final = ("accountId", "zoneId")


def is_made(resource: PlannedResource) -> bool:
    """Whether a resource becomes a thing of its own in a cloud."""
    return resource.custom and not resource.read and not resource.is_provider


def same(plan: StagePlan, resource: PlannedResource) -> tuple[Any, ...] | None:
    """Return what makes a resource the same thing as another one: both have the same answer. None where each is a new
    thing, or where that cannot be told."""
    row = row_of(resource.type)
    if row is None or not row.identity_inputs:
        return None
    inputs = {**DEFAULTS, **unsealed(resource.inputs)}
    which = {name: at(inputs, name) for name in row.identity_inputs if name not in _WHOSE}
    missing = {name for name, value in which.items() if value is MISSING}
    # The provider makes up a name that the program leaves out, and AWS's makes up whatever else it needs.
    made_up = missing if row.provider == "aws" else missing & {row.named_by}
    if made_up or (which and missing == which.keys()):
        return None
    key = (*_where(plan, resource, row), *which.values())
    return None if UNKNOWN in key else (resource.type, *(str(value).lower() for value in key))


def name_of(resource: PlannedResource) -> str:
    """Return what a resource is called: its name in its cloud, where it has one, else that in the program."""
    name = _name(resource)
    return resource.name if name is MISSING else str(name)


def names(resource: PlannedResource) -> frozenset[str]:
    """Return everything by which others can point at a resource: its id, its name, and what its cloud calls it."""
    every = (resource.id, _name(resource), *resource.outputs.values())
    return frozenset(each for each in every if isinstance(each, str) and each)


def _name(resource: PlannedResource) -> Any:
    return at(resource.inputs, NAMED_BY[resource.type]) if resource.type in NAMED_BY else MISSING


def _where(plan: StagePlan, resource: PlannedResource, row: ResourceType) -> tuple[Any, ...]:
    """Return within what the name of a resource is taken, by its own inputs or else by its provider's."""
    provider = plan.provider_of(resource)
    settings = provider.inputs if provider else {}
    if row.scope is Scope.EVERYWHERE:
        return ()
    if row.provider == "github":
        return (at(settings, "owner"),)
    if row.provider == "aws":
        account, region = at(resource.inputs, "accountId"), at(resource.inputs, "region")
        return (
            account_of(settings) if account is MISSING else account,
            row.scope is Scope.REGION and (at(settings, "region") if region is MISSING else region),
        )
    return tuple(at(resource.inputs, name) for name in row.identity_inputs if name in _WHOSE)
